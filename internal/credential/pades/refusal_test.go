package pades_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"chancela/internal/credential/pades"
)

func TestPrepareRefusesWhatIsNotFreshAndOurs(t *testing.T) {
	a := newAuthority(t)
	by := a.sealer(t, ecKey(t, elliptic.P256()))
	fresh := paper(t)
	sealed, err := pades.Seal(fresh, by, how)
	if err != nil {
		t.Fatal(err)
	}
	// put changes the file in place, at the same length, so that no offset moves.
	put := func(old, fresher string) []byte {
		if !bytes.Contains(fresh, []byte(old)) {
			t.Fatalf("the paper has no %q", old)
		}
		return bytes.Replace(fresh, []byte(old), []byte(fresher+strings.Repeat(" ", len(old)-len(fresher))), 1)
	}
	for name, c := range map[string]struct {
		pdf  []byte
		want pades.Refusal
	}{
		"nothing":                 {nil, pades.Malformed},
		"too large":               {make([]byte, 17<<20), pades.TooLarge},
		"sealed already":          {sealed, pades.Malformed},
		"sealed, rewritten":       {rewritten(t, sealed), pades.Signed},
		"encrypted":               {encrypted(t, fresh), pades.Encrypted},
		"compressed table":        {compressed(t, fresh), pades.Compressed},
		"not at the first byte":   {append([]byte("MZ"), fresh...), pades.Malformed},
		"bytes after the end":     {append(bytes.Clone(fresh), "<html>"...), pades.Malformed},
		"cut":                     {fresh[:len(fresh)-3], pades.Malformed},
		"an older table":          {put("/Size", "/Prev"), pades.Revised},
		"deeds":                   {put("/PageLayout /OneColumn", "/AA <<>>"), pades.Active},
		"a script in its names":   {put("/EmbeddedFiles <<", "/JavaScript <<"), pades.Active},
		"a hidden key":            {put("/PageLayout /OneColumn", "/Acro#46orm <<>>"), pades.Malformed},
		"a key that stands twice": {put("/PageLayout /OneColumn", "/Pages 3 0 R"), pades.Malformed},
	} {
		_, err := pades.Prepare(c.pdf, by.Certificate, by.Chain, how)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func rewritten(t *testing.T, sealed []byte) []byte {
	return throughQPDF(t, sealed, "--object-streams=disable")
}

func encrypted(t *testing.T, pdf []byte) []byte {
	return throughQPDF(t, pdf, "--object-streams=disable", "--encrypt", "a", "b", "256", "--")
}

func compressed(t *testing.T, pdf []byte) []byte {
	return throughQPDF(t, pdf, "--object-streams=generate")
}

func throughQPDF(t *testing.T, pdf []byte, args ...string) []byte {
	t.Helper()
	in := write(t, "entra.pdf", pdf)
	mustJudge(t, "qpdf", append(args, in, in+".out")...)
	return readFile(t, in+".out")
}

func TestPrepareRefusesKeysAndCertificatesThatCannotStandBehindASeal(t *testing.T) {
	a := newAuthority(t)
	good := a.sealer(t, ecKey(t, elliptic.P256()))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	early, late, never := how, how, how
	early.At, late.At, never.At = at.AddDate(-5, 0, 0), at.AddDate(40, 0, 0), never.At.AddDate(-2026, 0, 0)
	never.At = pades.Appearance{}.At
	long := how
	long.Reason = strings.Repeat("ã", 1000)
	broken := how
	broken.Name = "\xff"
	for name, c := range map[string]struct {
		certificate *x509.Certificate
		chain       []*x509.Certificate
		how         pades.Appearance
		want        pades.Refusal
	}{
		"none":            {nil, nil, how, pades.WrongCert},
		"Ed25519":         {a.sealer(t, edKey).Certificate, nil, how, pades.WrongKey},
		"P-224":           {a.sealer(t, ecKey(t, elliptic.P224())).Certificate, nil, how, pades.WrongKey},
		"RSA-1024":        {a.sealer(t, shortRSA(t)).Certificate, nil, how, pades.WrongKey},
		"authority":       {a.issuer, nil, how, pades.WrongCert},
		"before validity": {good.Certificate, good.Chain, early, pades.WrongCert},
		"after validity":  {good.Certificate, good.Chain, late, pades.WrongCert},
		"no time":         {good.Certificate, good.Chain, never, pades.WrongCert},
		"foreign chain":   {good.Certificate, []*x509.Certificate{a.root}, how, pades.WrongCert},
		"long text":       {good.Certificate, good.Chain, long, pades.WrongText},
		"broken text":     {good.Certificate, good.Chain, broken, pades.WrongText},
	} {
		if _, err := pades.Prepare(paper(t), c.certificate, c.chain, c.how); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestSealRefusesAKeyThatIsNotTheCertificates(t *testing.T) {
	a := newAuthority(t)
	by := a.sealer(t, ecKey(t, elliptic.P256()))
	by.Signer = ecKey(t, elliptic.P256())
	if _, err := pades.Seal(paper(t), by, how); !errors.Is(err, pades.WrongKey) {
		t.Errorf("got %v", err)
	}
	if _, err := pades.Seal(paper(t), pades.Sealer{}, how); !errors.Is(err, pades.WrongKey) {
		t.Errorf("no key at all: %v", err)
	}
}

// FuzzPrepare changes documents in any way: whatever comes is refused or sealed, and what is sealed holds the
// document untouched.
func FuzzPrepare(f *testing.F) {
	a := newAuthority(f)
	by := a.sealer(f, ecKey(f, elliptic.P256()))
	fresh := paper(f)
	f.Add(fresh)
	sealed, err := pades.Seal(fresh, by, how)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte("%PDF-1.7\n1 0 obj\n<</Type /Catalog /Pages 1 0 R>>\nendobj\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<</Size 2/Root 1 0 R>>\nstartxref\n57\n%%EOF"))
	f.Fuzz(func(t *testing.T, pdf []byte) {
		if len(pdf) > 64<<10 {
			t.Skip("no more than a sheet")
		}
		ready, err := pades.Prepare(pdf, by.Certificate, nil, how)
		var refusal pades.Refusal
		if err != nil {
			if !errors.As(err, &refusal) {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		signature, err := by.Signer.Sign(rand.Reader, ready.Digest(), crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		out, err := ready.Finish(signature)
		if err != nil || !bytes.HasPrefix(out, pdf) {
			t.Fatalf("not finished, or not the same document: %v", err)
		}
	})
}
