package recheck_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/pkihttp"
	"chancela/internal/portal"
	"chancela/internal/queue"
	"chancela/internal/recheck"
	"chancela/internal/status"
	"chancela/internal/throttle"

	"golang.org/x/crypto/ocsp"
)

// kit is a hierarchy with some certificates, served over HTTP, and the room that reads it again.
type kit struct {
	*recheck.Service
	i       *catest.Instance
	told    []recheck.Finding
	tells   int
	log     *bytes.Buffer
	served  http.Handler
	between func(w http.ResponseWriter, r *http.Request) bool // answers instead of the program, if it says so
	good    ca.Certificate
	revoked ca.Certificate
	lost    ca.Serial
}

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	base := "http://" + listener.Addr().String() + "/pki"
	catest.Each(t, base, func(t *testing.T, i *catest.Instance) {
		k := &kit{i: i, log: &bytes.Buffer{}}
		k.served = pkihttp.New(status.New(status.Config{DB: i.DB, CA: i.CA, Portals: &portal.Set{}, Throttle: throttle.New(throttle.Key{1})}))
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if k.between == nil || !k.between(w, r) {
				k.served.ServeHTTP(w, r)
			}
		})
		k.Service = k.room(t, base)
		k.good, k.revoked = i.Website(t, "good"), i.Website(t, "revoked")
		i.End(t, k.revoked, issuance.KeyCompromise)
		k.lost = i.Intend(t, "lost")
		i.Clock.Pass(20 * time.Minute)
		k.do(t, i.Work)
		i.Clock.Pass(2 * time.Minute) // the lists and answers have settled
		test(t, k)
	})
}

// room is another process of the same instance.
func (k *kit) room(t *testing.T, base string) *recheck.Service {
	t.Helper()
	q, err := queue.New(k.i.DB, queue.Config{})
	if err == nil {
		err = q.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := recheck.New(recheck.Config{
		DB: k.i.DB, Queue: q, Authorities: k.i.Authorities, Base: base, Log: slog.New(slog.NewTextHandler(k.log, nil)),
		Tell: func(_ context.Context, _ *db.Tx, _ recheck.Night, found []recheck.Finding) error {
			k.told, k.tells = found, k.tells+1
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (k *kit) do(t *testing.T, deed func(context.Context) error) {
	t.Helper()
	if err := deed(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// play begins a night and plays it to its end.
func (k *kit) play(t *testing.T) (recheck.Night, []recheck.Finding) {
	t.Helper()
	k.do(t, k.BeginNow)
	if err := k.Play(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	n, found, ok, err := k.Last(t.Context())
	if err != nil || !ok || n.Part != recheck.Done {
		t.Fatalf("%+v %t: %v", n, ok, err)
	}
	return n, found
}

// tamper changes the database past the program, as whoever holds it could.
func (k *kit) tamper(t *testing.T, statement string, args ...any) {
	t.Helper()
	err := k.i.DB.InTx(t.Context(), func(tx *db.Tx) error {
		n, err := tx.Exec(t.Context(), statement, args...)
		if err == nil && n == 0 {
			err = fmt.Errorf("%s changes nothing", statement)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsRightIsFoundRight(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		n, found := k.play(t)
		if len(found) > 0 || k.tells > 0 {
			t.Errorf("found %+v, told %d times", found, k.tells)
		}
		if n.Read < 10 { // six keys of ours, a unit's, two issued and a lost one; some in two parts
			t.Errorf("read %d", n.Read)
		}
		err := k.i.DB.Look(t.Context(), func(tx *db.Tx) error {
			deeds, err := audit.Entries(t.Context(), tx, audit.Filter{Verb: "recheck.end"})
			if len(deeds) != 1 || deeds[0].Object != "recheck/"+n.Day {
				t.Errorf("on record: %+v", deeds)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		k.i.Clock.Pass(199 * 24 * time.Hour) // expired, and still as it was
		k.do(t, k.i.Work)
		k.i.Clock.Pass(2 * time.Minute)
		if _, found := k.play(t); len(found) > 0 {
			t.Errorf("after the end: %+v", found)
		}
	})
}

// TestWhatIsWrongIsTold changes one thing each time, and wants that it is found, told, logged and on record.
func TestWhatIsWrongIsTold(t *testing.T) {
	const row = `UPDATE ca_certificate SET `
	for name, c := range map[string]struct {
		kind recheck.Kind
		bend func(t *testing.T, k *kit)
	}{
		"a signature that is bent": {recheck.BadSignature, func(t *testing.T, k *kit) {
			der := slices.Clone(k.good.DER)
			der[len(der)-1] ^= 1
			k.tamper(t, row+`der = $2 WHERE serial = $1`, string(k.good.Serial), der)
		}},
		"bytes that are no certificate": {recheck.Unreadable, func(t *testing.T, k *kit) {
			k.tamper(t, row+`der = $2 WHERE serial = $1`, string(k.good.Serial), k.good.DER[:100])
		}},
		"no bytes": {recheck.Unreadable, func(t *testing.T, k *kit) {
			k.tamper(t, row+`der = NULL WHERE serial = $1`, string(k.good.Serial))
		}},
		"another certificate's bytes": {recheck.OtherBytes, func(t *testing.T, k *kit) {
			k.tamper(t, row+`der = $2 WHERE serial = $1`, string(k.good.Serial), k.revoked.DER)
		}},
		"another end": {recheck.OtherDates, func(t *testing.T, k *kit) {
			k.tamper(t, row+`not_after = $2 WHERE serial = $1`, string(k.good.Serial), db.Time(k.good.NotAfter.AddDate(1, 0, 0)))
		}},
		"another key": {recheck.OtherKey, func(t *testing.T, k *kit) {
			k.tamper(t, row+`key_digest = 'ab' WHERE serial = $1`, string(k.good.Serial))
		}},
		"another approved order": {recheck.NotApproved, func(t *testing.T, k *kit) {
			k.tamper(t, row+`digest = $2 WHERE serial = $1`, string(k.good.Serial), k.revoked.Digest)
		}},
		"another profile": {recheck.Lint, func(t *testing.T, k *kit) {
			k.tamper(t, row+`profile = $2 WHERE serial = $1`, string(k.good.Serial), issuance.Application)
		}},
		"an issuer that is none": {recheck.NoIssuer, func(t *testing.T, k *kit) {
			k.tamper(t, row+`issuer = 'outra' WHERE serial = $1`, string(k.good.Serial))
		}},
		"revoked, and made good again": {recheck.Listed, func(t *testing.T, k *kit) {
			k.tamper(t, row+`state = 'issued', revoked_at = '', reason = 0 WHERE serial = $1`, string(k.revoked.Serial))
		}},
		"revoked, made good again, and a new list": {recheck.OtherDeeds, func(t *testing.T, k *kit) {
			k.tamper(t, row+`state = 'issued', revoked_at = '', reason = 0, entry = NULL WHERE serial = $1`, string(k.revoked.Serial))
			k.i.Clock.Pass(13 * time.Hour)
			k.do(t, k.i.Work)
		}},
		"an entry that is not on the list": {recheck.NotListed, func(t *testing.T, k *kit) {
			path := "/pki/crl/" + catest.Issuing + ".crl"
			before := httptest.NewRecorder()
			k.served.ServeHTTP(before, httptest.NewRequest(http.MethodGet, path, nil))
			k.i.End(t, k.good, issuance.Superseded)
			k.i.Clock.Pass(2 * time.Minute)
			k.between = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != path {
					return false
				}
				_, _ = w.Write(before.Body.Bytes())
				return true
			}
		}},
		"another reason": {recheck.NotListed, func(t *testing.T, k *kit) {
			k.tamper(t, row+`reason = 4 WHERE serial = $1`, string(k.revoked.Serial))
		}},
		"revoked in the row alone": {recheck.NotListed, func(t *testing.T, k *kit) {
			k.tamper(t, row+`state = 'revoked', revoked_at = $2, reason = 1 WHERE serial = $1`, string(k.good.Serial), db.Time(k.i.DB.Now().Add(-time.Hour)))
		}},
		"a list that has run out": {recheck.BadList, func(t *testing.T, k *kit) { k.i.Clock.Pass(25 * time.Hour) }},
		"a list that is not served": {recheck.BadList, func(_ *testing.T, k *kit) {
			k.between = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, ".crl") {
					http.Redirect(w, r, "/pki/", http.StatusFound)
					return true
				}
				return false
			}
		}},
		"a responder that does not answer": {recheck.BadAnswer, func(_ *testing.T, k *kit) {
			k.between = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/pki/ocsp") {
					panic(http.ErrAbortHandler)
				}
				return false
			}
		}},
		"a stale answer": {recheck.AnsweredOtherwise, stale},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, k *kit) {
				c.bend(t, k)
				_, found := k.play(t)
				if !slices.ContainsFunc(found, func(f recheck.Finding) bool { return f.Kind == c.kind }) {
					t.Errorf("not found; found %+v", found)
				}
				if k.tells != 1 || len(k.told) != len(found) {
					t.Errorf("told %d times of %d", k.tells, len(k.told))
				}
				if said := k.log.String(); !strings.Contains(said, "level=ERROR") || !strings.Contains(said, "kind="+string(c.kind)) {
					t.Errorf("the log says\n%s", said)
				}
			})
		})
	}
}

// stale has a cache in between that goes on giving an answer of before a revocation.
func stale(t *testing.T, k *kit) {
	chain := k.i.Chain(t, k.good)
	cert, err := x509.ParseCertificate(k.good.DER)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := x509.ParseCertificate(chain[0])
	if err != nil {
		t.Fatal(err)
	}
	asked, err := ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: crypto.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	before := httptest.NewRecorder()
	k.served.ServeHTTP(before, httptest.NewRequest(http.MethodPost, "/pki/ocsp", bytes.NewReader(asked)))
	k.i.End(t, k.good, issuance.Superseded)
	k.i.Clock.Pass(2 * time.Minute)
	k.between = func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Equal(body, asked) {
			return false
		}
		_, _ = w.Write(before.Body.Bytes())
		return true
	}
}

func TestANightIsBegunOnceAndEachPartIsDoneOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		other := k.room(t, "http://127.0.0.1:1/pki")
		for _, s := range []*recheck.Service{k.Service, other, k.Service} {
			k.do(t, s.BeginNow)
		}
		first, _, _, err := k.Last(t.Context())
		if err != nil || first.Part != recheck.Issued {
			t.Fatalf("%+v: %v", first, err)
		}
		if err := k.Play(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		end, _, _, _ := k.Last(t.Context())
		if err := other.Part(t.Context(), first); err != nil { // a job that comes late
			t.Fatal(err)
		}
		if again, found, _, _ := k.Last(t.Context()); again != end || len(found) > 0 {
			t.Errorf("%+v became %+v with %v", end, again, found)
		}
		if err := k.Begin(t.Context(), catest.Officer("rui")); err == nil {
			t.Error("an officer began a night")
		}
		if err := k.Begin(t.Context(), actor.Machine("")); err != nil {
			t.Error(err)
		}
	})
}

// TestWhatIsAwayIsTriedAgainBeforeItIsTold has nothing answer for a while: it is a reason to try again, not a finding.
func TestWhatIsAwayIsTriedAgainBeforeItIsTold(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.between = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
		k.do(t, k.BeginNow)
		if err := k.Play(t.Context(), false); err == nil {
			t.Error("content with nothing")
		}
		k.between = nil
		if err := k.Play(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if n, found, _, _ := k.Last(t.Context()); n.Part != recheck.Done || len(found) > 0 {
			t.Errorf("%+v %+v", n, found)
		}
	})
}

// TestEveryCertificatesTurnComes has nothing new: each night reads a share, and after a month each was read.
func TestEveryCertificatesTurnComes(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.play(t)
		k.tamper(t, `UPDATE ca_certificate SET key_digest = 'ab' WHERE serial = $1`, string(k.good.Serial))
		for range int(recheck.Turn / (24 * time.Hour)) {
			k.i.Clock.Pass(24 * time.Hour)
			k.do(t, k.i.Work)
			k.i.Clock.Pass(2 * time.Minute)
			if _, found := k.play(t); len(found) > 0 {
				if len(found) != 1 || found[0].Kind != recheck.OtherKey || found[0].Serial != k.good.Serial {
					t.Errorf("%+v", found)
				}
				return
			}
		}
		t.Error("its turn never came")
	})
}

// TestAnAddressThatIsNotOursIsNotAsked: whoever can change a row must not send the program anywhere.
func TestAnAddressThatIsNotOursIsNotAsked(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		asked := false
		k.between = func(http.ResponseWriter, *http.Request) bool { asked = true; return false }
		k.Service = k.room(t, "http://outro.exemplo.pt/pki")
		_, found := k.play(t)
		if asked || !slices.ContainsFunc(found, func(f recheck.Finding) bool { return f.Kind == recheck.ForeignAddress }) {
			t.Errorf("asked: %t; %+v", asked, found)
		}
	})
}

func TestEveryKindHasItsWords(t *testing.T) {
	for _, kind := range recheck.Kinds() {
		if _, ok := i18n.Word("recheck.kind." + string(kind)); !ok {
			t.Errorf("recheck.kind.%s is no word", kind)
		}
	}
}
