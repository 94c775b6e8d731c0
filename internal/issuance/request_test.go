package issuance

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func requestOf(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	return must2(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "Exemplo"}}, key))(t)
}

func armour(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestRequestsAreReadInTheFormsPeopleSend(t *testing.T) {
	key := must2(GenerateKey(ECP256))(t)
	der := requestOf(t, key)
	armoured := armour("CERTIFICATE REQUEST", der)
	for name, data := range map[string][]byte{
		"DER": der, "PEM": armoured, "Microsoft's": armour("NEW CERTIFICATE REQUEST", der),
		"Windows' lines": bytes.ReplaceAll(armoured, []byte("\n"), []byte("\r\n")),
		"spaces around":  []byte("\n\n" + string(armoured) + "\n \n"),
		"text before":    []byte("Certificate Request:\n" + string(armoured)),
	} {
		r, err := ParseRequest(data)
		if err != nil || !sameKey(r.Key.Public, key.Public()) || r.Subject != "CN=Exemplo" {
			t.Errorf("%s: %v %+v", name, err, r)
		}
	}
}

func TestRequestsThatAreNotOneAreRefused(t *testing.T) {
	der := requestOf(t, must2(GenerateKey(ECP256))(t))
	armoured := string(armour("CERTIFICATE REQUEST", der))
	bent := append([]byte{}, der...)
	bent[len(bent)-1] ^= 1
	swapped := bytes.Replace(der, []byte("Exemplo"), []byte("Exempla"), 1)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":         {nil, "E-CSR-01"},
		"text":            {[]byte("olá"), "E-CSR-01"},
		"two blocks":      {[]byte(armoured + armoured), "E-CSR-01"},
		"text behind":     {[]byte(armoured + "x"), "E-CSR-01"},
		"bytes behind":    {append(append([]byte{}, der...), 0), "E-CSR-01"},
		"bytes in PEM":    {armour("CERTIFICATE REQUEST", append(append([]byte{}, der...), 0)), "E-CSR-01"},
		"a certificate":   {armour("CERTIFICATE", der), "E-CSR-01"},
		"PEM headers":     {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der, Headers: map[string]string{"a": "b"}}), "E-CSR-01"},
		"too large":       {bytes.Repeat([]byte{0x30}, MaxRequest+1), "E-CSR-01"},
		"text too large":  {[]byte(strings.Repeat(" ", MaxRequest) + armoured), "E-CSR-01"},
		"bent signature":  {bent, "E-CSR-02"},
		"another subject": {swapped, "E-CSR-02"},
	} {
		if _, err := ParseRequest(c.data); keyOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPrivateKeyIsSeenInEveryForm(t *testing.T) {
	ec := must2(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	r := must2(makeKey(RSA3072))(t).(*rsa.PrivateKey)
	pkcs8 := must2(x509.MarshalPKCS8PrivateKey(ec))(t)
	sec1 := must2(x509.MarshalECPrivateKey(ec))(t)
	request := string(armour("CERTIFICATE REQUEST", requestOf(t, ec)))
	dir := t.TempDir()
	write(t, dir, "key.pem", armour("PRIVATE KEY", pkcs8))
	tool(t, dir, "openssl", "pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:exemplo", "-outform", "DER", "-out", "enc.der")
	tool(t, dir, "openssl", "pkcs12", "-export", "-nocerts", "-inkey", "key.pem", "-passout", "pass:exemplo", "-out", "key.p12")
	for name, data := range map[string][]byte{
		"PKCS#8": pkcs8, "SEC 1": sec1, "PKCS#1": x509.MarshalPKCS1PrivateKey(r), "PEM": armour("EC PRIVATE KEY", sec1),
		"beside a request": []byte(request + string(armour("PRIVATE KEY", pkcs8))),
		"before a request": []byte(string(armour("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r))) + request),
		"encrypted PEM":    armour("ENCRYPTED PRIVATE KEY", []byte{1, 2, 3}), "OpenSSH": armour("OPENSSH PRIVATE KEY", []byte{1}),
		"encrypted DER": readFile(t, dir, "enc.der"), "PKCS#12": readFile(t, dir, "key.p12"),
	} {
		if _, err := ParseRequest(data); keyOf(err) != "E-CSR-05" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAKeyUsedBeforeIsRefused(t *testing.T) {
	r := must2(ParseRequest(requestOf(t, must2(GenerateKey(ECP256))(t))))(t)
	var asked string
	answer := func(used bool, err error) func(string) (bool, error) {
		return func(f string) (bool, error) { asked = f; return used, err }
	}
	if err := r.RefuseUsed(answer(false, nil)); err != nil || asked != r.Key.Fingerprint() || len(asked) != 64 {
		t.Errorf("%v %s", err, asked)
	}
	if err := r.RefuseUsed(answer(true, nil)); keyOf(err) != "E-CSR-04" {
		t.Error(err)
	}
	broken := errors.New("database away")
	if err := r.RefuseUsed(answer(false, broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// modulus multiplies two primes of 1,536 bits.
func modulus(t *testing.T, p, q *big.Int) *rsa.PublicKey {
	t.Helper()
	return &rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}
}

func nextPrime(from *big.Int) *big.Int {
	p := new(big.Int).Set(from)
	if p.Bit(0) == 0 {
		p.Add(p, big.NewInt(1))
	}
	for !p.ProbablyPrime(10) {
		p.Add(p, big.NewInt(2))
	}
	return p
}

func TestWeakModuliAreFound(t *testing.T) {
	good := must2(makeKey(RSA3072))(t).(*rsa.PrivateKey)
	if _, err := CheckKey(&good.PublicKey); err != nil {
		t.Fatal(err)
	}
	p := good.Primes[0]
	close1 := modulus(t, p, nextPrime(new(big.Int).Add(p, big.NewInt(2))))
	small := &rsa.PublicKey{N: new(big.Int).Mul(good.N, big.NewInt(751)), E: 65537}
	small.N.Rsh(small.N, uint(small.N.BitLen()-3072))
	for small.N.Bit(0) == 0 || new(big.Int).Mod(small.N, big.NewInt(751)).Sign() != 0 {
		small.N.Add(small.N, big.NewInt(1))
	}
	for name, key := range map[string]*rsa.PublicKey{
		"close primes": close1, "a square": modulus(t, p, p), "a small factor": small, "even": {N: new(big.Int).Add(good.N, big.NewInt(1)), E: 65537},
		"ROCA": roca(t), "exponent 3": {N: good.N, E: 3}, "exponent 65535": {N: good.N, E: 65535}, "even exponent": {N: good.N, E: 65538},
		"8192 bits": {N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 8191), big.NewInt(1)), E: 65537},
		"3073 bits": {N: new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 3072), big.NewInt(1)), E: 65537},
	} {
		if _, err := CheckKey(key); keyOf(err) != "E-CSR-03" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if isROCA(good.N) || isFermatClose(good.N) || hasSmallFactor(good.N) {
		t.Error("a sound key was called weak")
	}
	if !isROCA(roca(t).N) {
		t.Error("ROCA's fingerprint is not seen by its own check")
	}
	if !isFermatClose(close1.N) {
		t.Error("close primes are not seen by their own check")
	}
}

// roca makes a modulus as the flawed library did: primes k·M + (65537^a mod M), M the product of the first primes.
func roca(t *testing.T) *rsa.PublicKey {
	t.Helper()
	m := big.NewInt(2)
	for _, p := range rocaPrimes {
		m.Mul(m, big.NewInt(p))
	}
	prime := func(seed, top int64) *big.Int {
		base := new(big.Int).Exp(big.NewInt(65537), big.NewInt(seed), m)
		p := new(big.Int).Lsh(big.NewInt(top), 1533)
		p.Sub(p, new(big.Int).Mod(p, m)).Add(p, base)
		for !p.ProbablyPrime(5) {
			p.Add(p, m)
		}
		return p
	}
	return modulus(t, prime(12345, 6), prime(67891, 7)) // far apart, so that Fermat's check has nothing to find
}

func FuzzParseRequest(f *testing.F) {
	key, err := GenerateKey(ECP256)
	if err != nil {
		f.Fatal(err)
	}
	der := requestOf(f, key)
	f.Add(der)
	f.Add(armour("CERTIFICATE REQUEST", der))
	f.Add(armour("PRIVATE KEY", der))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRequest(data)
		if err == nil {
			if _, err := CheckKey(r.Key.Public); err != nil {
				t.Error("a key was accepted that is not")
			}
			return
		}
		if !strings.HasPrefix(keyOf(err), "E-CSR-0") {
			t.Errorf("refused without a word: %v", err)
		}
	})
}
