package pkihttp_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chancela/internal/ca/catest"
	"chancela/internal/portal"
	"chancela/internal/status"
	"chancela/internal/throttle"
)

const query, reply = "application/timestamp-query", "application/timestamp-reply"

// asked has openssl write a request about a document, in a folder that it gives.
func asked(t *testing.T, args ...string) (dir string, der []byte) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "document"), []byte("ata de exemplo"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "asked.tsq")
	openssl(t, append([]string{"ts", "-query", "-data", filepath.Join(dir, "document"), "-out", out}, args...)...)
	der, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return dir, der
}

func (k *kit) stamp(t *testing.T, der []byte) []byte {
	t.Helper()
	answer, data := k.do(t, http.MethodPost, "/pki/tsa", bytes.NewReader(der), "Content-Type", query)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != reply || answer.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", answer.StatusCode, answer.Header)
	}
	return data
}

// says is what openssl reads in a reply.
func says(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "given.tsr")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return openssl(t, "ts", "-reply", "-in", name, "-text")
}

func TestOpenSSLVerifiesAStampWithTheAddressesAlone(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		dir, der := asked(t, "-sha512", "-cert")
		data := k.stamp(t, der)
		_, root := k.get(t, "/pki/ca/"+catest.Root+".cer")
		for name, content := range map[string][]byte{"root.der": root, "given.tsr": data} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		at := func(name string) string { return filepath.Join(dir, name) }
		openssl(t, "x509", "-inform", "der", "-in", at("root.der"), "-out", at("root.pem"))
		verify := []string{"ts", "-verify", "-queryfile", at("asked.tsq"), "-in", at("given.tsr"), "-CAfile", at("root.pem")}
		if said := openssl(t, verify...); !strings.Contains(said, "Verification: OK") {
			t.Error(said)
		}
		data[len(data)-1] ^= 1
		if err := os.WriteFile(at("given.tsr"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if said := openssl(t, verify...); !strings.Contains(said, "Verification: FAILED") {
			t.Error(said)
		}
	})
}

func TestEveryRefusalOfAStampIsAnAnswer(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		_, good := asked(t, "-sha256")
		_, sha1 := asked(t, "-sha1")
		_, policy := asked(t, "-sha256", "-tspolicy", "2.999.7")
		for want, der := range map[string][]byte{
			"unrecognized or unsupported algorithm":                 sha1,
			"policy is not supported":                               policy,
			"data submitted has the wrong format":                   good[:len(good)-1],
			"transaction not permitted":                             bytes.Replace(good, []byte{2, 1, 1, 0x30}, []byte{2, 1, 2, 0x30}, 1),
			"Failure info: the data submitted has the wrong format": nil,
		} {
			if said := says(t, k.stamp(t, der)); !strings.Contains(said, "Status: Rejected") || !strings.Contains(said, want) {
				t.Errorf("want %q in\n%s", want, said)
			}
		}
		k.i.Clock.Jump(time.Hour)
		if said := says(t, k.stamp(t, good)); !strings.Contains(said, "time source is not available") {
			t.Error(said)
		}
		k.i.Clock.Jump(-time.Hour)
		if said := says(t, k.stamp(t, good)); !strings.Contains(said, "Status: Granted") {
			t.Error(said)
		}
	})
}

func TestStampsAreAskedForInOneWay(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		_, der := asked(t, "-sha256")
		for name, c := range map[string]struct {
			method, media string
			body          io.Reader
			want          int
		}{
			"GET":                   {http.MethodGet, query, nil, http.StatusMethodNotAllowed},
			"HEAD":                  {http.MethodHead, query, nil, http.StatusMethodNotAllowed},
			"PUT":                   {http.MethodPut, query, bytes.NewReader(der), http.StatusMethodNotAllowed},
			"another media type":    {http.MethodPost, "application/ocsp-request", bytes.NewReader(der), http.StatusUnsupportedMediaType},
			"no media type":         {http.MethodPost, "", bytes.NewReader(der), http.StatusUnsupportedMediaType},
			"too large":             {http.MethodPost, query, bytes.NewReader(make([]byte, status.MostStampRequest+1)), http.StatusRequestEntityTooLarge},
			"too large, in pieces":  {http.MethodPost, query, io.MultiReader(bytes.NewReader(make([]byte, 1<<20))), http.StatusRequestEntityTooLarge},
			"with parameters":       {http.MethodPost, query + "; charset=binary", bytes.NewReader(der), http.StatusOK},
			"just not too large":    {http.MethodPost, query, bytes.NewReader(make([]byte, status.MostStampRequest)), http.StatusOK},
			"in other capitals too": {http.MethodPost, "Application/Timestamp-Query", bytes.NewReader(der), http.StatusOK},
		} {
			answer, _ := k.do(t, c.method, "/pki/tsa", c.body, "Content-Type", c.media)
			if answer.StatusCode != c.want {
				t.Errorf("%s: %d, want %d", name, answer.StatusCode, c.want)
			}
			if c.want == http.StatusMethodNotAllowed && answer.Header.Get("Allow") != http.MethodPost {
				t.Errorf("%s: Allow %q", name, answer.Header.Get("Allow"))
			}
			if len(answer.Cookies()) > 0 || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", name, answer.Header)
			}
		}
	})
}

func TestAnInstanceThatIsNotOpenGivesNoStamps(t *testing.T) {
	catest.Each(t, "http://localhost/pki", func(t *testing.T, i *catest.Instance) {
		closed := status.New(status.Config{DB: i.DB, CA: i.CA, Portals: &portal.Set{}, Throttle: throttle.New(throttle.Key{1})})
		_, der := asked(t, "-sha256")
		if said := says(t, closed.Stamp(t.Context(), der)); !strings.Contains(said, "transaction not permitted") {
			t.Error(said)
		}
	})
}
