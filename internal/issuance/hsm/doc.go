// Package hsm keeps our private keys in a hardware module, which is spoken to by PKCS#11: they are made there, sign
// there, and never leave.
//
// A module goes away: it is unplugged, restarted, its network fails, its sessions die. Then every use of a key is
// refused as Unavailable and nothing else stops; when it is back it is taken up again by the next use. A module also
// locks itself after a few wrong PINs, and only a person with another PIN opens it again. So:
//
//   - there is never more than one login in each [Config.LoginPause], whatever happens;
//   - after a PIN was refused it is never tried again by this process;
//   - a token that says that it admits one more wrong PIN is not tried at all.
//
// Keys are known by their label, tokens by theirs (and by serial number, if two share it), never by a number of a slot,
// which changes when something is plugged in. Two keys of one label are refused: nobody can say which is meant.
//
// The library of a module is C, so all that calls it stands in library.go, which is only built with the tag pkcs11
// and with cgo. Without them everything else builds, and [New] says what is missing ([Built]).
//
// It must never hold a private key in memory, never log a PIN, and never release what it cannot vouch for: a module
// whose test signature does not verify is not used until one does. Start reading at [New], then [Module.with].
package hsm
