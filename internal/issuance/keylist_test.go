package issuance

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"
)

// debianModulus is a key that Debian's broken OpenSSL made, and debianLine its line in Debian's list.
const (
	debianModulus = "D673252AF6723C3F72529403EAB7C30DEF3C52F97E799825F4A70191C616ADCF1ECE1113F1625971074C492C592025FDEADBDB146A081826BDF0D77C3C913DCF1B6F0B3B78F5108D2E493AD0EEE8CA5C021711ADC13D358E61133870FCD19C8E5C22403959782AA82E72AEE53A3D491E3912CE27B27E1A85EA69C19A527D28F7934C9823B7E56FDD657DAC83FDC65BB22A98D843DF73238919781B714C81A5E2AFEC71F5C54AA2A27C590AD94C03C1062D50EFCFFAC743E3C8A3AE056846A1D756EB862BF4224169D467C35215ADE0AFCC11E85FE629AFB802C4786FF2E9C929BCCF502B3D3B8876C6A11785CC398B389F1D86BDD9CB0BD4EC13956EC3FA270D"
	debianLine    = "8df20e6961a16398b85a"
)

func TestDebiansWeakKeysAreKnownByDebiansList(t *testing.T) {
	n, ok := new(big.Int).SetString(debianModulus, 16)
	if !ok {
		t.Fatal("the modulus cannot be read")
	}
	weak := Key{Public: &rsa.PublicKey{N: n, E: 65537}}
	list := must2(ParseKeyList(strings.NewReader("# RSA-2048 of x86\n" + debianLine + "\n")))(t)
	if !list.Has(weak) || keyOf(list.Refuse(weak)) != "issuance.key-known" {
		t.Error("Debian's key passed Debian's list")
	}
	if hasSmallFactor(n) || isFermatClose(n) || isROCA(n) {
		t.Error("the key would be known without a list")
	}
	sound := must2(CheckKey(must2(makeKey(RSA3072))(t).Public()))(t)
	if err := list.Refuse(sound); err != nil {
		t.Error(err)
	}
}

// TestOpenSSLWritesTheFormThatListsHold makes both forms of a line as an operator would, with openssl alone.
func TestOpenSSLWritesTheFormThatListsHold(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string][]string{"rsa": {"RSA", "-pkeyopt", "rsa_keygen_bits:3072"}, "ec": {"EC", "-pkeyopt", "ec_paramgen_curve:P-256"}} {
		tool(t, dir, "openssl", append([]string{"genpkey", "-out", "key.pem", "-algorithm"}, args...)...)
		tool(t, dir, "openssl", "pkey", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "key.der")
		key := must2(ReadKey(readFile(t, dir, "key.der")))(t)
		digest := tool(t, dir, "openssl", "dgst", "-sha256", "-r", "key.der")[:64]
		lists := []string{digest, strings.ToUpper(digest), "\n# a comment\n  " + digest + "\t\r\n"}
		if name == "rsa" {
			write(t, dir, "modulus.txt", []byte(tool(t, dir, "openssl", "rsa", "-in", "key.pem", "-noout", "-modulus")))
			lists = append(lists, tool(t, dir, "openssl", "dgst", "-sha1", "-r", "modulus.txt")[20:40])
		}
		for _, text := range lists {
			list := must2(ParseKeyList(strings.NewReader(text)))(t)
			if list.Len() != 1 || !list.Has(key) {
				t.Errorf("%s: %q does not name its key", name, text)
			}
			if _, other := newKey(t, ECP256); list.Has(other) {
				t.Errorf("%s: %q names another key", name, text)
			}
		}
	}
	if _, key := newKey(t, ECP256); (KeyList{}).Has(key) || (KeyList{}).Len() != 0 {
		t.Error("the empty list names a key")
	}
}

func TestAListThatCannotBeReadWhollyIsNotInForce(t *testing.T) {
	good := strings.Repeat("ab", 32) + "\n"
	away := errors.New("disk away")
	for name, from := range map[string]io.Reader{
		"a short line":   strings.NewReader(good + "abcd\n"),
		"not a digit":    strings.NewReader(good + strings.Repeat("xy", 32)),
		"not one either": strings.NewReader(strings.Repeat("zz", 10)),
		"a long line":    strings.NewReader(good + "#" + strings.Repeat(" ", maxKeyLine+1)),
		"too much":       strings.NewReader(strings.Repeat("#"+strings.Repeat(" ", 1000)+"\n", MaxKeyList/1002+2)),
		"half a file":    io.MultiReader(strings.NewReader(good), iotest.ErrReader(away)),
	} {
		if list, err := ParseKeyList(from); err == nil || list.Len() != 0 {
			t.Errorf("%s: %d keys, %v", name, list.Len(), err)
		}
	}
	if _, err := ParseKeyList(strings.NewReader(good + "abcd\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("the error does not name its line: %v", err)
	}
}

func FuzzParseKeyList(f *testing.F) {
	f.Add([]byte(debianLine + "\n# x\n\n" + strings.Repeat("0f", 32)))
	f.Add([]byte("\x00\xff\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseKeyList(bytes.NewReader(data))
		if err != nil && list.Len() > 0 {
			t.Error("a refused list names keys")
		}
		if most := bytes.Count(data, []byte("\n")) + 1; list.Len() > most {
			t.Errorf("%d keys in %d lines", list.Len(), most)
		}
	})
}

// infineonModulus was made by the flawed library itself (the finders' published example, 2,048 bits).
const infineonModulus = "9dcd7420e420c270a68060eb8b5aa7457a9f6648f86fafed2775cc1f79ae962f1e63f1b9e51c55f9ea6fdc7332e9b0058c9ff2eb1fc89855029cf6aafe21e689feb38ac9ffb12f1ce371bb5d0e9aae64161abce74b4244bf68f1edb4411f756a097c8929c14740245ea355f8332d1aa36bb50c7dcb4505da8de02e4e53d38f8df06097da7524df0df93db48eac8cc4af2d3a16257eb2b2adca6ba464e5974fa92550d31b1babf161e7692d00b86e3dd886ecab4abfbe1a8f8cc263ff4af55cdb45f4249a5193925f5e983d762f0b6800943eb0267b08f42ed311ce1f5c86eacbc8ce4d3cb7a2fee1ef5641423a1cf4114e5ecf50034a60a412523af9e6f4aa11"

func TestTheFindersOwnExampleOfROCAIsSeen(t *testing.T) {
	n, ok := new(big.Int).SetString(infineonModulus, 16)
	if !ok {
		t.Fatal("the modulus cannot be read")
	}
	if !isROCA(n) {
		t.Error("a key of the flawed library passed")
	}
	if n.Add(n, big.NewInt(2)); isROCA(n) {
		t.Error("its neighbour was called flawed")
	}
}
