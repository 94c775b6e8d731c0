package accept_test

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/ca"
	"chancela/internal/issuance"
)

// TestStrangersAcceptEveryProfileAndRefuseWhatMustBe founds one hierarchy and has all of them judge it.
func TestStrangersAcceptEveryProfileAndRefuseWhatMustBe(t *testing.T) {
	w := newWorld(t)
	for _, p := range issuance.Profiles() {
		if p.Key == issuance.CrossCA {
			continue // a second certificate of an authority that is there, made by a ceremony only: judged in its room
		}
		w.of(t, p.Key, valid)
	}
	for name, judge := range map[string]func(*testing.T, *world){
		"the lints": lints, "openssl": openssl, "GnuTLS": gnutls, "Go": golang, "Java": java, "NSS": nss, "Chromium": chromium, "pdfsig": pdfsig,
	} {
		t.Run(name, func(t *testing.T) { judge(t, w) })
	}
}

// lints wants that nothing was found in any certificate that was issued, and that the lints ran.
func lints(t *testing.T, w *world) {
	for _, s := range w.subjects {
		if s.device {
			continue // linted when the kit signed it
		}
		c := must(x509.ParseCertificate(s.der))(t)
		record := w.record(t, ca.SerialOf(c.SerialNumber))
		if !record.Report.Clean() || record.Report.Passed < 40 {
			t.Errorf("%s: %d lints content, findings %+v", s.name(), record.Report.Passed, record.Report.Findings)
		}
	}
}

// later is when every certificate here has expired, as seconds and as words.
func later() time.Time { return time.Now().AddDate(60, 0, 0) }

func openssl(t *testing.T, w *world) {
	lists := w.lists(t)
	for _, s := range w.in(valid) {
		base := []string{"verify", "-x509_strict", "-untrusted", w.issuing}
		with := append(slices.Clone(base), "-CAfile", w.root)
		w.accepts(t, "openssl", append(slices.Clone(with), s.pem)...)
		w.refuses(t, "verification failed", "openssl", append(slices.Clone(base), "-CAfile", w.other, s.pem)...)
		if s.profile != issuance.RootCA {
			w.accepts(t, "openssl", append(slices.Clone(with), "-crl_check_all", "-CRLfile", lists, s.pem)...)
		}
	}
	for _, s := range w.in(revoked) {
		w.refuses(t, "certificate revoked", "openssl", "verify", "-crl_check_all", "-CRLfile", lists, "-CAfile", w.root, "-untrusted", w.issuing, s.pem)
	}
	for _, s := range w.in(expired) {
		w.refuses(t, "certificate has expired", "openssl", "verify", "-CAfile", w.root, "-untrusted", w.issuing, s.pem)
	}
	// For encryption it knows no purpose of a key that agrees (RFC 8813 §3), only of one that enciphers.
	for profile, purpose := range map[string]string{
		issuance.Website: "sslserver", issuance.QWAC: "sslserver", issuance.PersonAuthentication: "sslclient", issuance.Application: "sslclient",
		issuance.TimeStamping: "timestampsign", issuance.OCSPResponder: "ocsphelper",
		issuance.PersonSignature: "smimesign", issuance.Seal: "smimesign", issuance.SealSoftware: "smimesign",
	} {
		w.accepts(t, "openssl", "verify", "-purpose", purpose, "-CAfile", w.root, "-untrusted", w.issuing, w.of(t, profile, valid).pem)
	}
	w.refuses(t, "purpose", "openssl", "verify", "-purpose", "sslserver", "-CAfile", w.root, "-untrusted", w.issuing, w.of(t, issuance.Seal, valid).pem)
	w.openSSLAsks(t)
}

// openSSLAsks asks about each holder's certificate over HTTP.
func (w *world) openSSLAsks(t *testing.T) {
	t.Helper()
	for _, s := range w.subjects {
		if s.key == nil || s.device {
			continue
		}
		want := map[string]string{valid: ": good", expired: ": good", revoked: ": revoked"}[s.state]
		said := w.accepts(t, "openssl", "ocsp", "-issuer", w.issuing, "-cert", s.pem, "-url", w.base+"/pki/ocsp", "-CAfile", w.root)
		if !strings.Contains(said, "Response verify OK") || !strings.Contains(said, s.pem+want) {
			t.Errorf("%s: openssl ocsp says\n%s", s.name(), said)
		}
	}
}

func gnutls(t *testing.T, w *world) {
	for _, s := range w.in(valid) {
		w.accepts(t, "certtool", "--verify", "--load-ca-certificate", w.root, "--infile", s.bundle)
		if s.profile != issuance.RootCA { // GnuTLS takes a self-signed one that is asked about for its own anchor
			w.refuses(t, "NOT trusted", "certtool", "--verify", "--load-ca-certificate", w.other, "--infile", s.bundle)
		}
	}
	for _, s := range w.in(expired) {
		w.refuses(t, "expired", "certtool", "--verify", "--load-ca-certificate", w.root, "--infile", s.bundle)
	}
	for _, state := range []string{valid, revoked} {
		for _, s := range w.in(state) {
			if s.key == nil || s.device {
				continue
			}
			said, err := w.run(t, "ocsptool", "--ask="+w.base+"/pki/ocsp", "--load-issuer", w.issuing, "--load-cert", s.pem, "--load-trust", w.chain)
			want := map[string]string{valid: "Certificate Status: good", revoked: "Certificate Status: revoked"}[state]
			if !strings.Contains(said, want) || !strings.Contains(said, "Verifying OCSP Response: Success.") {
				t.Errorf("%s: ocsptool says (%v)\n%s", s.name(), err, said)
			}
		}
	}
}

func golang(t *testing.T, w *world) {
	roots, below := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(must(os.ReadFile(filepath.Join(w.dir, w.root)))(t))
	below.AppendCertsFromPEM(must(os.ReadFile(filepath.Join(w.dir, w.issuing)))(t))
	others := x509.NewCertPool()
	others.AppendCertsFromPEM(must(os.ReadFile(filepath.Join(w.dir, w.other)))(t))
	for _, s := range w.subjects {
		c := must(x509.ParseCertificate(s.der))(t)
		options := x509.VerifyOptions{Roots: roots, Intermediates: below, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		_, err := c.Verify(options)
		if (err == nil) != (s.state != expired) {
			t.Errorf("%s: %v", s.name(), err)
		}
		options.CurrentTime = later()
		if _, err := c.Verify(options); err == nil {
			t.Errorf("%s: accepted after its end", s.name())
		}
		options.CurrentTime, options.Roots = time.Time{}, others
		if _, err := c.Verify(options); err == nil {
			t.Errorf("%s: accepted under another root", s.name())
		}
	}
	names := x509.VerifyOptions{Roots: roots, Intermediates: below, DNSName: host}
	for _, profile := range []string{issuance.Website, issuance.QWAC} {
		c := must(x509.ParseCertificate(w.of(t, profile, valid).der))(t)
		if _, err := c.Verify(names); err != nil {
			t.Errorf("%s as a server's: %v", profile, err)
		}
		if _, err := c.Verify(x509.VerifyOptions{Roots: roots, Intermediates: below, DNSName: "outro.exemplo.pt"}); err == nil {
			t.Errorf("%s: accepted for another name", profile)
		}
	}
	w.goReads(t)
}

// java has the JRE judge every certificate, each by its list and by asking; own keys' alike, but for the root, which no
// list of ours names.
func java(t *testing.T, w *world) {
	program := must(filepath.Abs("testdata/Accept.java"))(t)
	var lines []string
	want := map[string]string{}
	ask := func(s subject, how, answer string) {
		line := s.bundle + " " + how
		lines = append(lines, line)
		want[line] = answer
	}
	for _, s := range w.subjects {
		refusal := map[string]string{valid: "ok", revoked: "REVOKED", expired: "EXPIRED"}[s.state]
		if s.state != revoked {
			ask(s, "none", refusal)
		}
		// The root vouches for itself, a responder is not asked about, and a device's certificate is on no record.
		if s.profile == issuance.RootCA || s.profile == issuance.OCSPResponder || s.device {
			continue
		}
		ask(s, "crl", refusal)
		ask(s, "ocsp", refusal)
	}
	w.write(t, "java.txt", []byte(strings.Join(lines, "\n")))
	found := must(filepath.Glob("/usr/lib/jvm/java-17-openjdk-*/bin/java"))(t)
	if len(found) == 0 {
		t.Fatal("Java 17 is not here: apt-get install openjdk-17-jre-headless")
	}
	said := w.accepts(t, found[0], "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", program, w.root, "java.txt")
	for _, line := range lines {
		if !strings.Contains(said, line+" "+want[line]) {
			t.Errorf("%s: want %s", line, want[line])
		}
	}
	w.write(t, "java-other.txt", []byte(w.of(t, issuance.Seal, valid).bundle+" none"))
	if other := w.accepts(t, found[0], "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", program, w.other, "java-other.txt"); !strings.Contains(other, " NO_TRUST_ANCHOR ") {
		t.Errorf("under another root: %s", other)
	}
	if t.Failed() {
		t.Log(said)
	}
}
