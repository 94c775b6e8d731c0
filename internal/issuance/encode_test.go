package issuance

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"
)

// Every profile's certificate is encoded to the octet as the standard library encodes it.
func TestCertificatesAreEncodedAsTheLibraryEncodesThem(t *testing.T) {
	key := must2(newThrowaway(ECP256))(t)
	for name, trust := range map[string]Trust{"test": {}, "qualified": listed(t, "QSCD-1")} {
		for _, s := range samples(t, trust) {
			for _, now := range []time.Time{moment, time.Date(2048, 6, 1, 12, 0, 0, 0, time.UTC)} {
				issuer := *s.issuer
				issuer.end = time.Time{} // for certificates that end after 2049
				u := must2(Prepare(s.order, &issuer, serialOf(0x80_00_00_01), now))(t)
				ours := must2(encodeCertificate(u.template, issuer.subject, key.scheme))(t)
				template := *u.template
				template.SignatureAlgorithm = key.scheme.signature
				parent := &x509.Certificate{RawSubject: issuer.subject, SubjectKeyId: issuer.keyID}
				der := must2(x509.CreateCertificate(rand.Reader, &template, parent, template.PublicKey, key.key))(t)
				if theirs := must2(x509.ParseCertificate(der))(t).RawTBSCertificate; !bytes.Equal(ours, theirs) {
					t.Errorf("%s, %s, %d:\n%x\nthe library:\n%x", s.order.Profile, name, now.Year(), ours, theirs)
				}
			}
		}
	}
}
