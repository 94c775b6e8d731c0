package pkihttp_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chancela/internal/fault"
	"chancela/internal/pkihttp"
	"chancela/internal/portal"
	"chancela/internal/status"
	"chancela/internal/throttle"
)

// doorkeeper lets one program in.
type doorkeeper struct{ asked int }

const user, secret = "sistema-de-ensaio", "segredo-de-ensaio-com-mais-de-quarenta-letras"

func (d *doorkeeper) Admit(_ context.Context, name, given string) error {
	d.asked++
	switch {
	case name == "gasto":
		return fault.Throttle("caller.month-used-up", 90*time.Second+time.Millisecond, "n", "1")
	case name == "cessado":
		return fault.New(fault.Forbidden, "caller.no-power")
	case name != user || given != secret:
		return fault.New(fault.NotFound, "fault.not-found")
	}
	return nil
}

// closed is [each] where time stamps are asked for by callers.
func closed(t *testing.T, by pkihttp.Asked, test func(t *testing.T, k *kit, door *doorkeeper)) {
	t.Helper()
	each(t, func(t *testing.T, k *kit) {
		door := &doorkeeper{}
		k.serve(pkihttp.New(status.New(status.Config{DB: k.i.DB, CA: k.i.CA, Portals: &portal.Set{}, Throttle: throttle.New(throttle.Key{1}), Stamps: true})).Stamps(by, door))
		test(t, k, door)
	})
}

// ask asks for a stamp as somebody, in openssl's words, and gives the status.
func (k *kit) ask(t *testing.T, der []byte, header ...string) *http.Response {
	t.Helper()
	answer, _ := k.do(t, http.MethodPost, "/pki/tsa", bytes.NewReader(der), append([]string{"Content-Type", query}, header...)...)
	return answer
}

func as(name, word string) []string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, word)
	return []string{"Authorization", r.Header.Get("Authorization")}
}

func TestStampsForCallersAloneAskForNameAndSecret(t *testing.T) {
	closed(t, pkihttp.ByCallers, func(t *testing.T, k *kit, door *doorkeeper) {
		_, der := asked(t, "-sha256", "-cert")
		for what, header := range map[string][]string{"nobody": nil, "a wrong secret": as(user, "x"), "a wrong name": as("outro", secret), "a bearer": {"Authorization", "Bearer " + secret}} {
			answer := k.ask(t, der, header...)
			if answer.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic realm=") || answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v", what, answer.StatusCode, answer.Header)
			}
		}
		if answer := k.ask(t, der, as("cessado", secret)...); answer.StatusCode != http.StatusForbidden {
			t.Errorf("an ended right: %d", answer.StatusCode)
		}
		if answer := k.ask(t, der, as("gasto", secret)...); answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "91" {
			t.Errorf("a used-up month: %d %v", answer.StatusCode, answer.Header)
		}
		if answer := k.ask(t, der, as(user, secret)...); answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != reply {
			t.Errorf("a caller: %d", answer.StatusCode)
		}
		before := door.asked
		if answer, _ := k.get(t, "/pki/"); answer.StatusCode != http.StatusOK || door.asked != before {
			t.Error("what everybody may read asks who they are")
		}
	})
}

func TestOpenStampsCountWhoNamesThemselvesAndRefuseWrongNames(t *testing.T) {
	closed(t, pkihttp.ByAll, func(t *testing.T, k *kit, door *doorkeeper) {
		_, der := asked(t, "-sha256")
		if answer := k.ask(t, der); answer.StatusCode != http.StatusOK || door.asked != 0 {
			t.Errorf("anybody: %d", answer.StatusCode)
		}
		if answer := k.ask(t, der, as(user, secret)...); answer.StatusCode != http.StatusOK || door.asked != 1 {
			t.Errorf("a caller: %d", answer.StatusCode)
		}
		if answer := k.ask(t, der, as(user, "x")...); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("a wrong secret: %d", answer.StatusCode)
		}
	})
}

func TestNoSecretIsTakenWithoutTLS(t *testing.T) {
	closed(t, pkihttp.InClear, func(t *testing.T, k *kit, door *doorkeeper) {
		_, der := asked(t, "-sha256")
		for _, header := range [][]string{nil, as(user, secret)} {
			answer := k.ask(t, der, header...)
			if answer.StatusCode != http.StatusForbidden || answer.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("%d %v: a client would send its secret", answer.StatusCode, answer.Header)
			}
		}
		if door.asked != 0 {
			t.Error("the secret was looked at")
		}
	})
}

// An ordinary client: the request by openssl, sent by curl with the name and secret, the stamp judged by openssl.
func TestCurlAndOpenSSLGetAStampWithTheSecret(t *testing.T) {
	closed(t, pkihttp.ByCallers, func(t *testing.T, k *kit, _ *doorkeeper) {
		dir, _ := asked(t, "-sha256", "-cert")
		at := func(name string) string { return filepath.Join(dir, name) }
		curl := func(as string) string {
			out, _ := exec.CommandContext(t.Context(), "curl", "-sS", "--noproxy", "*", "-u", as, "-H", "Content-Type: "+query, "--data-binary", "@"+at("asked.tsq"),
				"-o", at("given.tsr"), "-w", "%{http_code}", k.base+"/pki/tsa").CombinedOutput()
			return string(out)
		}
		if code := curl(user + ":errado"); code != "401" {
			t.Errorf("a wrong secret: %s", code)
		}
		if code := curl(user + ":" + secret); code != "200" {
			t.Fatalf("curl: %s", code)
		}
		if err := os.WriteFile(at("root.der"), k.root(t), 0o600); err != nil {
			t.Fatal(err)
		}
		openssl(t, "x509", "-inform", "der", "-in", at("root.der"), "-out", at("root.pem"))
		if said := openssl(t, "ts", "-verify", "-queryfile", at("asked.tsq"), "-in", at("given.tsr"), "-CAfile", at("root.pem")); !strings.Contains(said, "Verification: OK") {
			t.Error(said)
		}
	})
}
