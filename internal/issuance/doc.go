// Package issuance turns an approved order into bytes that a key may sign, and lets no other bytes be signed.
//
// It is pure: no database, no network, no clock but the time it is given. It holds the certificate profiles,
// checks key requests, builds what is to be signed (certificates, revocation lists, status answers, time
// stamps), lints it, and signs. It must never copy anything from a certificate request but its key, never sign bytes that were not linted,
// and never claim a quality (qualified, QSCD, an audited ETSI policy) that the instance's [Trust] does not prove.
//
// The way of every signature, and there is no second:
//
//	order  := profile.Order(subject values, names, key, validity)   what officers approve is order.Digest()
//	stored := order.Encode(); order = ParseOrder(stored)            the approved bytes, kept by the caller
//	u, err := Prepare(order, issuer, serial, now)                   Unsigned: serial and time come here
//	l, report, err := linter.Lint(u)                                Linted: a one-time token only Lint can make
//	… the caller records its intent: l.Serial(), l.Hash() …
//	der, err := Sign(signer, l)                                     once; verified before it is released
//
// Revocation lists begin with [PrepareList], status answers with [PrepareStatus], time stamps with [PrepareStamp],
// and then go the same way.
// Start reading at [Profile] for what is issued, at [Linter.Lint] and [Sign] for how, and at [ParseRequest] and
// [ParseStatusRequest] for what strangers send.
package issuance
