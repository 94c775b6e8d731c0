package pkihttp_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/publication"
)

// published adds the publication to a kit's handler.
func (k *kit) published(t *testing.T) {
	t.Helper()
	p, err := publication.New(publication.Config{
		DB: k.i.DB, CA: k.i.CA, Base: k.base + "/pki", Pages: k.base + "/", Terms: ca.Terms{ListLife: 24 * time.Hour, AnswerLife: time.Hour, Approvals: 2},
	})
	if err == nil {
		err = p.Publish(t.Context(), actor.Machine(""))
	}
	if err != nil {
		t.Fatal(err)
	}
	k.handler.Publish(p)
}

func TestTheStatementIsServedPlainly(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		if a, _ := k.get(t, "/pki/politica"); a.StatusCode != http.StatusNotFound {
			t.Errorf("before there is one: %s", a.Status)
		}
		k.published(t)
		for path, lang := range map[string]string{
			"/pki/politica": "pt-PT", "/pki/politica/en": "en", "/pki/politica/1": "pt-PT", "/pki/politica/en/1": "en", "/pki/perfis": "pt-PT", "/pki/perfis/en": "en",
		} {
			a, body := k.get(t, path)
			text := string(body)
			if a.StatusCode != http.StatusOK || a.Header.Get("Set-Cookie") != "" || !strings.Contains(text, `<html lang="`+lang+`">`) {
				t.Errorf("%s: %s %v", path, a.Status, a.Header)
			}
			if n := strings.Count(text, "<h1"); n != 1 {
				t.Errorf("%s has %d first headings", path, n)
			}
			if !strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(text, "<script") {
				t.Errorf("%s: %v", path, a.Header)
			}
			for _, link := range regexp.MustCompile(`href="(/pki/[^"]*)"`).FindAllStringSubmatch(text, -1) {
				if l, _ := k.get(t, link[1]); l.StatusCode != http.StatusOK {
					t.Errorf("%s leads to %s: %s", path, link[1], l.Status)
				}
			}
		}
		a, body := k.get(t, "/pki/politica")
		for _, want := range []string{"<table>", "9.17.", k.i.Authorities()[0].Fingerprint} {
			if !strings.Contains(string(body), want) {
				t.Errorf("the statement lacks %q", want)
			}
		}
		if again, _ := k.get(t, "/pki/politica", "If-None-Match", a.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("asked again: %s", again.Status)
		}
		for _, path := range []string{"/pki/politica/", "/pki/politica/2", "/pki/politica/0", "/pki/politica/01", "/pki/politica/x", "/pki/politica/en/x.md", "/pki/perfis/x", "/pki/teste/", "/pki/teste/x.cer", "/pki/teste/website-valid"} {
			if a, _ := k.get(t, path); a.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s", path, a.Status)
			}
		}
		if a, _ := k.do(t, http.MethodPost, "/pki/politica", nil); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST: %s", a.Status)
		}
	})
}

// TestTestCertificatesAreFetchedAndAreWhatTheySay fetches every one that the data names, as the world would.
func TestTestCertificatesAreFetchedAndAreWhatTheySay(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.published(t)
		if err := k.i.MakeSamples(t.Context(), actor.Machine(""), "Ensaio."); err != nil {
			t.Fatal(err)
		}
		k.i.Clock.Pass(10 * time.Minute)
		_, body := k.get(t, "/pki/perfis.json")
		var data struct {
			Profiles []struct {
				Key string `json:"key"`
			} `json:"profiles"`
			Samples []struct {
				Profile, State, Address string
			} `json:"test_certificates"`
		}
		if err := json.Unmarshal(body, &data); err != nil {
			t.Fatal(err)
		}
		if len(data.Profiles) < 10 || len(data.Samples) < 21 {
			t.Fatalf("%d profiles, %d test certificates", len(data.Profiles), len(data.Samples))
		}
		issuer := catest.File(t, k.i.Authorities()[1].Certificate)
		for _, s := range data.Samples {
			a, der := k.get(t, strings.TrimPrefix(s.Address, k.base))
			if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/pkix-cert" {
				t.Errorf("%s: %s", s.Address, a.Status)
			}
			path := filepath.Join(t.TempDir(), "sample.cer")
			if err := os.WriteFile(path, der, 0o600); err != nil {
				t.Fatal(err)
			}
			if said := openssl(t, "x509", "-inform", "DER", "-in", path, "-noout", "-subject"); !strings.Contains(said, "TESTE - Entidade inventada") {
				t.Errorf("%s-%s: %s", s.Profile, s.State, said)
			}
			if s.Profile != "website" {
				continue
			}
			want := map[string]string{"valid": "good\n", "expired": "good\n", "revoked": "revoked\n"}[s.State]
			if said := openssl(t, "ocsp", "-issuer", issuer, "-cert", path, "-url", k.base+"/pki/ocsp", "-noverify"); !strings.Contains(said, want) {
				t.Errorf("%s-%s: %s", s.Profile, s.State, said)
			}
		}
	})
}
