package signer_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/issuance"
)

// A process that serves pages was taken over, and speaks the protocol as it likes: what the record does not show
// approved is refused, whatever it says, and nothing is meant to be signed, let alone signed.

// signed counts what was ever meant to be signed for holders, and every use of a seal.
func (p *pair) signed(t *testing.T) (n int) {
	t.Helper()
	err := p.DB.Look(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT (SELECT count(*) FROM ca_certificate WHERE portal <> '' AND order_id NOT LIKE 'key/%') + (SELECT count(*) FROM ca_seal)`).Scan(&n)
	})
	must(t, err)
	return n
}

type issueCall struct{ Request ca.Request }

type sealCall struct{ Request ca.SealRequest }

func TestNoForgedOrderIsIssued(t *testing.T) {
	each(t, func(t *testing.T, p *pair) {
		good := func(r ca.Request) ca.Request { return r }
		for name, one := range map[string]struct {
			people []string // who approve the order's bytes on its case
			change func(ca.Request) ca.Request
			key    string
		}{
			"approved by nobody":        {nil, good, "decision.not-enough"},
			"approved by one":           {[]string{"rui"}, good, "decision.not-enough"},
			"by one, and one is said":   {[]string{"rui"}, func(r ca.Request) ca.Request { r.Quorum = 1; return r }, "decision.not-enough"},
			"by one, and none is said":  {[]string{"rui"}, func(r ca.Request) ca.Request { r.Quorum = -7; return r }, "decision.not-enough"},
			"by the same person twice":  {[]string{"rui", "rui"}, func(r ca.Request) ca.Request { r.Quorum = 1; return r }, "decision.not-enough"},
			"other bytes than approved": {[]string{"rui", "ivo"}, func(r ca.Request) ca.Request { r.Order, _ = website(t); return r }, "decision.not-enough"},
			"another name than approved": {[]string{"rui", "ivo"}, func(r ca.Request) ca.Request {
				r.Order = bytes.Replace(r.Order, []byte("www.exemplo.pt"), []byte("www.exempla.pt"), 1)
				return r
			}, "decision.not-enough"},
			"of another case":      {[]string{"rui", "ivo"}, func(r ca.Request) ca.Request { r.Case = "outro"; return r }, "decision.not-enough"},
			"of no case":           {[]string{"rui", "ivo"}, func(r ca.Request) ca.Request { r.Case = ""; return r }, "ca.not-approved"},
			"of another portal":    {[]string{"rui", "ivo"}, func(r ca.Request) ca.Request { r.Portal = "outro"; return r }, "decision.not-enough"},
			"of no portal":         {[]string{"rui", "ivo"}, func(r ca.Request) ca.Request { r.Portal = ""; return r }, "ca.not-approved"},
			"without its identity": {[]string{"rui", "ivo"}, func(r ca.Request) ca.Request { r.Identity = true; return r }, "ca.identity-missing"},
		} {
			der, digest := website(t)
			p.approve(t, "case-"+name, digest, one.people...)
			r := one.change(ca.Request{ID: name, Portal: catest.Portal, Case: "case-" + name, Order: der, Quorum: 2, Holder: "ana"})
			status, said := say(t, p.address, "/1/issue", issueCall{r})
			if status != http.StatusUnprocessableEntity || !strings.Contains(said, `"Key":"`+one.key+`"`) {
				t.Errorf("%s: %d %s, not %s", name, status, said, one.key)
			}
		}
		if n := p.signed(t); n != 0 {
			t.Errorf("%d were meant to be signed", n)
		}
		if status, said := say(t, p.address, "/1/issue", issueCall{p.ordered(t, "good")}); status != http.StatusOK {
			t.Errorf("what is approved is issued: %d %s", status, said)
		}
	})
}

// TestNoCaseMakesAnAuthority holds though officers were deceived into approving the bytes.
func TestNoCaseMakesAnAuthority(t *testing.T) {
	each(t, func(t *testing.T, p *pair) {
		for profile, values := range map[string]map[issuance.Attribute]string{
			issuance.IssuingCA:     {issuance.CommonName: "Emissora de Outrem TESTE"},
			issuance.RootCA:        {issuance.CommonName: "Raiz de Outrem TESTE"},
			issuance.OCSPResponder: {issuance.CommonName: "OCSP de Outrem TESTE"},
			issuance.TimeStamping:  {issuance.CommonName: "TSU de Outrem TESTE"},
		} {
			values[issuance.Country], values[issuance.Organization] = "PT", "Outrem"
			der, digest := order(t, profile, values)
			p.approve(t, "case-"+profile, digest, "rui", "ivo", "eva")
			status, said := say(t, p.address, "/1/issue", issueCall{ca.Request{ID: profile, Portal: catest.Portal, Case: "case-" + profile, Order: der, Quorum: 2}})
			if status != http.StatusUnprocessableEntity || strings.Contains(said, "DER") {
				t.Errorf("%s: %d %s", profile, status, said)
			}
		}
		if n := p.signed(t); n != 0 {
			t.Errorf("%d were meant to be signed", n)
		}
	})
}

func TestWhatWasVoidedOrIdentifiedForOtherBytesIsNotIssued(t *testing.T) {
	each(t, func(t *testing.T, p *pair) {
		voided := p.ordered(t, "voided")
		must(t, p.DB.InTx(t.Context(), func(tx *db.Tx) error {
			return decision.Void(t.Context(), tx, actor.Actor{Kind: actor.Person, Portal: catest.Portal, Person: "ana"}, voided.Case, "corrigido")
		}))
		if status, said := say(t, p.address, "/1/issue", issueCall{voided}); status == http.StatusOK || !strings.Contains(said, "decision.not-enough") {
			t.Errorf("voided approvals: %d %s", status, said)
		}
		other := p.ordered(t, "identified")
		other.Identity = true
		must(t, p.DB.InTx(t.Context(), func(tx *db.Tx) error {
			return p.Remote.RecordIdentity(t.Context(), tx, catest.Officer("rui"), ca.Identity{Portal: catest.Portal, Case: other.Case, Digest: "de-outro-pedido", How: "in-person"})
		}))
		if status, said := say(t, p.address, "/1/issue", issueCall{other}); status == http.StatusOK || !strings.Contains(said, "ca.identity-missing") {
			t.Errorf("an identity of other bytes: %d %s", status, said)
		}
	})
}

func TestNoForgedSealIsPut(t *testing.T) {
	each(t, func(t *testing.T, p *pair) {
		found(t, p)
		p.approve(t, "case-one", "assunto", "rui")
		p.approve(t, "case-two", "assunto-de-dois", "rui")
		for name, one := range map[string]struct {
			r   ca.SealRequest
			key string
		}{
			"approved by nobody":       {ca.SealRequest{Portal: catest.Portal, Subject: "outro", Quorum: 1}, "decision.not-enough"},
			"approved by too few":      {ca.SealRequest{Portal: catest.Portal, Subject: "assunto-de-dois", Quorum: 2}, "decision.not-enough"},
			"of another body":          {ca.SealRequest{Portal: "outro", Subject: "assunto", Quorum: 1}, "ca.no-seal"},
			"a ceremony's, not a case": {ca.SealRequest{Portal: catest.Portal, Subject: ceremonial(t, p), Quorum: 1}, "ca.not-approved"},
		} {
			one.r.Digest = bytes.Repeat([]byte{1}, 32)
			status, said := say(t, p.address, "/1/seal", sealCall{one.r})
			if status == http.StatusOK || !strings.Contains(said, one.key) {
				t.Errorf("%s: %d %s, not %s", name, status, said, one.key)
			}
		}
		if n := p.signed(t); n != 0 {
			t.Errorf("%d seals were put", n)
		}
		good := ca.SealRequest{Portal: catest.Portal, Subject: "assunto", Quorum: 1, Digest: bytes.Repeat([]byte{1}, 32)}
		if status, said := say(t, p.address, "/1/seal", sealCall{good}); status != http.StatusOK {
			t.Errorf("what is approved is sealed: %d %s", status, said)
		}
		good.Digest = []byte("curto")
		if status, said := say(t, p.address, "/1/seal", sealCall{good}); status == http.StatusOK || strings.Contains(said, "curto") {
			t.Errorf("no digest: %d %s", status, said)
		}
	})
}

// ceremonial is the subject of the ceremony that made the seal's own key.
func ceremonial(t *testing.T, p *pair) (subject string) {
	t.Helper()
	must(t, p.DB.Look(t.Context(), func(tx *db.Tx) error {
		return tx.Row(t.Context(), `SELECT subject FROM decision WHERE verdict = 'ceremony' AND portal = $1`, catest.Portal).Scan(&subject)
	}))
	return subject
}

// found adds a seal to the hierarchy.
func found(t *testing.T, p *pair) {
	t.Helper()
	must(t, p.Found(t.Context(), actor.Machine(""), ca.Plan{
		Root:    ca.AuthorityPlan{Name: catest.Root, Organization: "Sistema de Exemplo", CommonName: "Raiz TESTE", Responder: "OCSP da Raiz TESTE"},
		Issuing: ca.AuthorityPlan{Name: catest.Issuing, Organization: "Sistema de Exemplo", CommonName: "Emissora TESTE", Responder: "OCSP da Emissora TESTE"},
		Seals:   []ca.SealPlan{{Portal: catest.Portal, Body: "Entidade de Exemplo", NIPC: "590000004", CommonName: "Selo da Entidade de Exemplo"}},
		Minutes: "Ensaio.",
	}))
}

func TestABodyThatOurProgramDoesNotWriteIsRefused(t *testing.T) {
	each(t, func(t *testing.T, p *pair) {
		for name, body := range map[string]string{
			"nothing":           ``,
			"no object":         `7`,
			"null":              `null`,
			"half":              `{"Issuer":"emis`,
			"a field more":      `{"Issuer":"emissora-teste","Approved":true}`,
			"a field twice":     `{"Issuer":"raiz-teste","Issuer":"emissora-teste"}`,
			"another spelling":  `{"issuer":"emissora-teste"}`,
			"white space":       `{ "Issuer":"emissora-teste"}`,
			"something behind":  `{"Issuer":"emissora-teste"}{}`,
			"another type":      `{"Issuer":7}`,
			"deep":              strings.Repeat(`{"Issuer":`, 5000),
			"escaped otherwise": `{"Issuer":"\u0065missora-teste"}`,
		} {
			if status, said := say(t, p.address, "/1/list", []byte(body)); status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, status, said)
			}
		}
		if status, _ := say(t, p.address, "/1/list", []byte(`{"Issuer":"emissora-teste"}`)); status != http.StatusOK {
			t.Errorf("the good one: %d", status)
		}
	})
}

func TestAHugeBodyAndHalfABodyAndOtherCallsAreRefused(t *testing.T) {
	each(t, func(t *testing.T, p *pair) {
		huge := strings.NewReader(`{"Issuer":"` + strings.Repeat("a", 1<<20) + `"}`)
		if status, said := send(t, p.address, "/1/list", "application/json", huge, -1); status != http.StatusRequestEntityTooLarge && status != 0 {
			t.Errorf("huge: %d %s", status, said)
		}
		half := io.MultiReader(strings.NewReader(`{"Issuer":"emissora-teste"}`))
		if status, said := send(t, p.address, "/1/list", "application/json", half, 100); status == http.StatusOK {
			t.Errorf("half: %d %s", status, said)
		}
		for _, path := range []string{"/", "/1/", "/1/sign", "/2/issue", "/1/issue/", "/1//issue", "/1/issue?x=1"} {
			if status, said := say(t, p.address, path, []byte(`{}`)); status == http.StatusOK || status >= 500 {
				t.Errorf("%s: %d %s", path, status, said)
			}
		}
		if status, _ := send(t, p.address, "/1/list", "text/plain", strings.NewReader(`{"Issuer":"emissora-teste"}`), 27); status != http.StatusBadRequest {
			t.Errorf("another type: %d", status)
		}
		if n := p.signed(t); n != 0 {
			t.Errorf("%d were meant to be signed", n)
		}
	})
}

// TestNoAnswerSaysGoodOfWhatIsRevoked: what whoever asks believes is not asked.
func TestNoAnswerSaysGoodOfWhatIsRevoked(t *testing.T) {
	each(t, func(t *testing.T, p *pair) {
		c := p.Website(t, "one")
		p.End(t, c, issuance.KeyCompromise)
		id := certID(t, p, c)
		der, err := issuance.StatusRequest{Asked: []issuance.CertID{id}}.Encode()
		must(t, err)
		status, said := say(t, p.address, "/1/answer", struct {
			Issuer  string
			Request []byte
			At      time.Time
		}{c.Issuer, der, c.IssuedAt.UTC()})
		if status != http.StatusOK || !strings.Contains(said, `"Standing":"revoked"`) || strings.Contains(said, `"good"`) {
			t.Errorf("%d %s", status, said)
		}
		believed := []issuance.SingleStatus{{ID: id, Standing: issuance.Good}}
		if der, err := p.Line.Answer(t.Context(), c.Issuer, believed, nil); err == nil {
			t.Errorf("an answer of %d bytes was given to who believes it good", len(der))
		}
	})
}
