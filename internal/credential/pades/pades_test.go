package pades_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"chancela/internal/credential/pades"

	"codeberg.org/go-pdf/fpdf"
	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// paper is a small document as we make them.
func paper(t testing.TB) []byte {
	t.Helper()
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCreationDate(at)
	pdf.SetModificationDate(at)
	pdf.SetCatalogSort(true)
	pdf.SetDisplayMode("default", "continuous")
	pdf.SetFont("Helvetica", "", 12)
	for range 2 {
		pdf.AddPage()
		pdf.MultiCell(0, 6, strings.Repeat("Certifica-se que isto e um ensaio. ", 40), "", "", false)
	}
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var how = pades.Appearance{
	At: at, Name: "Entidade Inventada", Reason: "Emissão (de ensaio)", Location: "Lisboa", Contact: "ensaio@exemplo.pt",
}

func TestSealSatisfiesEveryOutsideJudge(t *testing.T) {
	a := newAuthority(t)
	store := a.trust(t)
	final := how
	final.Final, final.Field = true, "Selo (da entidade)"
	for name, c := range map[string]struct {
		key crypto.Signer
		how pades.Appearance
	}{
		"P-256":           {ecKey(t, elliptic.P256()), how},
		"P-256 certified": {ecKey(t, elliptic.P256()), final},
		"P-256 bare":      {ecKey(t, elliptic.P256()), pades.Appearance{At: at}},
		"P-384":           {ecKey(t, elliptic.P384()), how},
		"P-521":           {ecKey(t, elliptic.P521()), how},
		"RSA-3072":        {rsaKey(t, 3072), how},
	} {
		t.Run(name, func(t *testing.T) {
			original := paper(t)
			sealed, err := pades.Seal(original, a.sealer(t, c.key), c.how)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(sealed, original) {
				t.Error("the document's own bytes changed")
			}
			path := write(t, "selado.pdf", sealed)
			judgedByPoppler(t, store, path)
			judgedByQPDF(t, path)
			judgedByMuPDF(t, path)
			judgedByOpenSSL(t, a, sealed)
			judgedByPDFCPU(t, sealed)
		})
	}
}

func judgedByPoppler(t *testing.T, store, path string) {
	t.Helper()
	said := mustJudge(t, "pdfsig", "-nssdir", store, path)
	for _, want := range []string{
		"Signature Type: ETSI.CAdES.detached", "Signature is Valid", "Certificate is Trusted", "Total document signed",
		"Signing Time: May 04 2026",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("pdfsig does not say %q:\n%s", want, said)
		}
	}
	if n := strings.Count(said, "Signature Validation:"); n != 1 {
		t.Errorf("pdfsig sees %d signatures", n)
	}
}

func judgedByQPDF(t *testing.T, path string) {
	t.Helper()
	if said := mustJudge(t, "qpdf", "--check", path); !strings.Contains(said, "No syntax or stream encoding errors") {
		t.Errorf("qpdf: %s", said)
	}
}

func judgedByMuPDF(t *testing.T, path string) {
	t.Helper()
	said, _ := judge(t, "mutool", "sign", "-v", path) // its exit code asks for a root that it cannot be given
	if !strings.Contains(said, "unchanged since signing") {
		t.Errorf("mutool: %s", said)
	}
}

func judgedByOpenSSL(t *testing.T, a authority, sealed []byte) {
	t.Helper()
	cms, covered := parts(t, sealed)
	said, well := judge(t, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", write(t, "selo.der", cms),
		"-content", write(t, "conteudo", covered), "-CAfile", a.rootFile(t), "-purpose", "any", "-out", "/dev/null", "-cades")
	if !well || !strings.Contains(said, "CAdES Verification successful") {
		t.Errorf("openssl: %s", said)
	}
	listed := mustJudge(t, "openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", write(t, "selo.der", cms))
	if strings.Contains(listed, "signingTime") || !strings.Contains(listed, "signingCertificateV2") {
		t.Errorf("the signed attributes are not those of the baseline:\n%s", listed)
	}
}

func judgedByPDFCPU(t *testing.T, sealed []byte) {
	t.Helper()
	model.ConfigPath = "disable"
	conf := model.NewDefaultConfiguration()
	conf.Offline = true
	if err := api.Validate(bytes.NewReader(sealed), conf); err != nil {
		t.Errorf("pdfcpu: %v", err)
	}
}

// parts reads a seal back the way any reader does: by its ByteRange.
func parts(t *testing.T, sealed []byte) (cms, covered []byte) {
	t.Helper()
	var zero, before, after, rest int
	at := bytes.LastIndex(sealed, []byte("/ByteRange "))
	if _, err := fmt.Sscanf(string(sealed[at:at+60]), "/ByteRange [%d %d %d %d]", &zero, &before, &after, &rest); err != nil {
		t.Fatal(err)
	}
	if zero != 0 || after+rest != len(sealed) || sealed[before] != '<' || sealed[after-1] != '>' {
		t.Fatalf("ByteRange [%d %d %d %d] of %d bytes", zero, before, after, rest, len(sealed))
	}
	raw, err := hex.DecodeString(string(sealed[before+1 : after-1]))
	if err != nil {
		t.Fatal(err)
	}
	var whole asn1.RawValue
	padding, err := asn1.Unmarshal(raw, &whole)
	if err != nil {
		t.Fatal(err)
	}
	const leeway = 16 // an ECDSA signature may be some bytes shorter than the longest, and headers with it
	if len(padding) > leeway || len(bytes.Trim(padding, "\x00")) > 0 {
		t.Errorf("%d bytes of room are left over: the room is to be computed, not guessed", len(padding))
	}
	return whole.FullBytes, append(append([]byte(nil), sealed[:before]...), sealed[after:]...)
}

func TestAlteredCopyIsCaught(t *testing.T) {
	a := newAuthority(t)
	store := a.trust(t)
	sealed, err := pades.Seal(paper(t), a.sealer(t, ecKey(t, elliptic.P256())), how)
	if err != nil {
		t.Fatal(err)
	}
	for name, find := range map[string]string{"in the document": "/Producer", "in what the seal added": "/M (D:2026"} {
		altered := bytes.Clone(sealed)
		altered[bytes.LastIndex(altered, []byte(find))+len(find)-1] ^= 1
		said, _ := judge(t, "pdfsig", "-nssdir", store, write(t, "alterado.pdf", altered))
		if !strings.Contains(said, "Digest Mismatch") {
			t.Errorf("altered %s: pdfsig says\n%s", name, said)
		}
	}
}

func TestAppendedRevisionIsSeen(t *testing.T) {
	a := newAuthority(t)
	sealed, err := pades.Seal(paper(t), a.sealer(t, ecKey(t, elliptic.P256())), how)
	if err != nil {
		t.Fatal(err)
	}
	longer := append(bytes.Clone(sealed), "% one more line\n"...)
	said, _ := judge(t, "pdfsig", "-nssdir", a.trust(t), write(t, "mais.pdf", longer))
	if strings.Contains(said, "Total document signed") || !strings.Contains(said, "Not total document signed") {
		t.Errorf("pdfsig says\n%s", said)
	}
}

func TestFieldIsLockedHiddenAndSaysSo(t *testing.T) {
	final := how
	final.Final = true
	sealed, err := pades.Seal(paper(t), newAuthority(t).sealer(t, ecKey(t, elliptic.P256())), final)
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "selado.pdf", sealed)
	for at, wants := range map[string][]string{
		"trailer/Root/AcroForm":               {"/SigFlags 3"},
		"trailer/Root/AcroForm/Fields/1":      {"/F 132", "/Rect [ 0 0 0 0 ]", "/FT /Sig", "/T (Signature1)"},
		"trailer/Root/AcroForm/Fields/1/AP/N": {"/Subtype /Form", "stream"},
		"trailer/Root/Perms/DocMDP":           {"/ETSI.CAdES.detached", "/TransformMethod /DocMDP", "/P 1"},
		"pages/1/Annots/1":                    {"/Subtype /Widget"},
		"trailer/Root":                        {"/Version /1.7", "/BaseVersion /1.7", "/PageLayout /OneColumn"},
	} {
		shown := mustJudge(t, "mutool", "show", path, at)
		for _, want := range wants {
			if !strings.Contains(shown, want) {
				t.Errorf("%s lacks %s:\n%s", at, want, shown)
			}
		}
	}
}

func TestUntrustedRootIsNotTrusted(t *testing.T) {
	sealed, err := pades.Seal(paper(t), newAuthority(t).sealer(t, ecKey(t, elliptic.P256())), how)
	if err != nil {
		t.Fatal(err)
	}
	said, _ := judge(t, "pdfsig", "-nssdir", newAuthority(t).trust(t), write(t, "alheio.pdf", sealed))
	if strings.Contains(said, "Certificate is Trusted") {
		t.Errorf("the judge trusts everybody:\n%s", said)
	}
}

// counting counts how often the key is asked.
type counting struct {
	crypto.Signer
	asked int
	spoil bool
}

func (c *counting) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	c.asked++
	signature, err := c.Signer.Sign(random, digest, opts)
	if c.spoil {
		signature[len(signature)-1] ^= 1
	}
	return signature, err
}

func TestSealAsksTheKeyOnce(t *testing.T) {
	key := &counting{Signer: ecKey(t, elliptic.P256())}
	if _, err := pades.Seal(paper(t), newAuthority(t).sealer(t, key), how); err != nil {
		t.Fatal(err)
	}
	if key.asked != 1 {
		t.Errorf("asked %d times", key.asked)
	}
}

func TestSpoiledSignatureIsNotReleased(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"P-256": ecKey(t, elliptic.P256()), "RSA-2048": rsaKey(t, 2048)} {
		spoiled := &counting{Signer: key, spoil: true}
		out, err := pades.Seal(paper(t), newAuthority(t).sealer(t, spoiled), how)
		if !errors.Is(err, pades.BadSeal) || out != nil {
			t.Errorf("%s: %d bytes, %v", name, len(out), err)
		}
	}
}

func TestSignatureOfAnotherDocumentIsNotReleased(t *testing.T) {
	a := newAuthority(t)
	by := a.sealer(t, ecKey(t, elliptic.P256()))
	one, err := pades.Prepare(paper(t), by.Certificate, by.Chain, how)
	if err != nil {
		t.Fatal(err)
	}
	later := how
	later.At = at.AddDate(0, 0, 1)
	other, err := pades.Prepare(paper(t), by.Certificate, by.Chain, later)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := by.Signer.Sign(rand.Reader, one.Digest(), one.Hash())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Finish(signature); !errors.Is(err, pades.BadSeal) {
		t.Errorf("finished with another's signature: %v", err)
	}
	if _, err := (pades.Prepared{}).Finish(signature); err == nil {
		t.Error("finished nothing")
	}
}

func TestPrepareGivesTheSameForTheSame(t *testing.T) {
	by := newAuthority(t).sealer(t, rsaKey(t, 2048))
	var files [2][]byte
	for i := range files {
		ready, err := pades.Prepare(paper(t), by.Certificate, by.Chain, how)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := by.Signer.Sign(rand.Reader, ready.Digest(), ready.Hash()) // PKCS #1 v1.5 has no chance in it
		if err != nil {
			t.Fatal(err)
		}
		if files[i], err = ready.Finish(signature); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("two preparations of the same differ")
	}
}

func TestSignedAttributesHashToTheDigest(t *testing.T) {
	by := newAuthority(t).sealer(t, ecKey(t, elliptic.P384()))
	ready, err := pades.Prepare(paper(t), by.Certificate, nil, how)
	if err != nil {
		t.Fatal(err)
	}
	h := ready.Hash().New()
	h.Write(ready.SignedAttributes())
	if ready.Hash() != crypto.SHA384 || !bytes.Equal(h.Sum(nil), ready.Digest()) {
		t.Error("digest and attributes are not of one another")
	}
	var set asn1.RawValue
	if rest, err := asn1.Unmarshal(ready.SignedAttributes(), &set); err != nil || len(rest) > 0 || set.Tag != asn1.TagSet {
		t.Errorf("not a SET: %v", err)
	}
}
