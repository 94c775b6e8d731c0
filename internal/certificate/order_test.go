package certificate_test

import (
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"chancela/internal/account"
	"chancela/internal/certificate"
	"chancela/internal/fault"
	"chancela/internal/issuance"
	"chancela/internal/portal"
)

func TestProposeShowsExactlyWhatWouldBeIssued(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		g := k.grant("pessoa", "c1", portal.Answers{"g": {"Chefe de Divisão"}})
		p := k.propose(g)
		if len(p.Problems) > 0 || len(p.Digest) != 64 {
			t.Fatalf("%+v", p)
		}
		for label, want := range map[string]string{
			"certificate.attribute.O": body, "certificate.attribute.organizationIdentifier": "VATPT-" + nipc, "certificate.attribute.title": "Chefe de Divisão",
			"certificate.attribute.SN": "d’Exemplo", "certificate.attribute.CN": "Inventada d’Exemplo", "certificate.line.email": "ana@exemplo.pt", "certificate.line.issuer": "Emissora TESTE",
			"certificate.line.digest": p.Digest,
		} {
			if got := valueOf(p, label); got != want {
				t.Errorf("%s is %q, want %q", label, got, want)
			}
		}
		if number := valueOf(p, "certificate.attribute.serialNumber"); strings.Contains(number, "00000000") || !strings.HasPrefix(number, "IDCPT-") {
			t.Errorf("the number is shown as %q", number)
		}
		if !strings.HasPrefix(valueOf(p, "certificate.line.key"), "EC-P256, SHA-256 ") || !strings.Contains(valueOf(p, "certificate.line.lint"), ", 0 ") {
			t.Errorf("%+v", p.Lines)
		}
		k.clock.pass(time.Hour)
		if again := k.propose(g); again.Digest != p.Digest {
			t.Error("the same case proposes other bytes an hour later")
		}
	})
}

func TestTheSecondOfficerApprovesTheSameEndOnAnotherDay(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		g := k.grant("pessoa", "c1", nil) // max-days 1095 is less than three years with a leap day
		before := k.propose(g).Digest
		k.clock.pass(50 * time.Hour)
		if k.propose(g).Digest == before {
			t.Fatal("this order does not depend on the day, and tries nothing")
		}
		must(t, k.decide(g, "rui", false))
		first := k.propose(g).Digest
		k.clock.pass(50 * time.Hour)
		if second := k.propose(g).Digest; second != first {
			t.Fatal("two days later the order ends on another day")
		}
		must(t, k.decide(g, "ivo", true))
		must(t, k.RecordIdentity(t.Context(), director, "c1", certificate.InPerson, "Cartão de Cidadão visto ao balcão."))
		k.work(1)
	})
}

func TestOnlyTheKeyOfARequestIsUsed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		named := func(subject pkix.Name, dns ...string) portal.Answers {
			return portal.Answers{"i": {request(t, subject, dns...)}}
		}
		k.problems(k.grant("pessoa", "c1", named(pkix.Name{CommonName: "inventada D’EXEMPLO", Organization: []string{"Municipio de Exemplo"}})))
		k.problems(k.grant("pessoa", "c2", named(pkix.Name{CommonName: "Outra Pessoa"})), "certificate.request-differs")
		k.problems(k.grant("pessoa", "c3", named(pkix.Name{}, "www.banco.exemplo.pt")), "certificate.request-differs")
		k.problems(k.grant("pessoa", "c4", named(pkix.Name{SerialNumber: "IDCPT-11111111"})), "certificate.request-differs")
		site := func(subject pkix.Name, dns ...string) portal.Answers {
			return portal.Answers{"d": {request(t, subject, dns...)}}
		}
		k.problems(k.grant("sitio", "c5", site(pkix.Name{CommonName: "WWW.exemplo.pt"}, "exemplo.pt")))
		k.problems(k.grant("sitio", "c6", site(pkix.Name{}, "exemplo.pt", "outro.exemplo.pt")), "certificate.request-differs")
		k.problems(k.grant("pessoa", "c7", portal.Answers{"i": {"isto não é um pedido"}}), "E-CSR-01")
		key, err := issuance.GenerateKey(issuance.ECP256)
		must(t, err)
		pem, err := issuance.SealKey(key, issuance.NewPassphrase([]byte("frase de ensaio sem segredo"), issuance.CostRandom()))
		must(t, err)
		k.problems(k.grant("pessoa", "c8", portal.Answers{"i": {"-----BEGIN PRIVATE KEY-----\n" + string(pem)}}), "E-CSR-05")
	})
}

func TestNamesAreThoseOfWhoeverOrders(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.problems(k.grant("pessoa", "c1", portal.Answers{"c": {"Rui"}, "d": {"Outro"}, "e": {"Rui Outro"}}), "certificate.other-person")
		k.problems(k.grant("pessoa", "c2", portal.Answers{"e": {"Inventada de Outro"}}), "E-NOM-02")
		k.problems(k.grant("pessoa", "c3", portal.Answers{"a": {"Município de Outro"}}), "certificate.body-differs")
		k.problems(k.grant("pessoa", "c4", portal.Answers{"b": {"699000017"}}), "certificate.no-power")
		k.problems(k.grant("pessoa", "c5", portal.Answers{"g": {"Chefe\u202eoãsiviD"}}), "issuance.subject-value")
		k.problems(k.grant("pessoa", "c6", portal.Answers{"c": {"Inventada Maria"}}))
		stranger := k.grant("pessoa", "c7", nil)
		stranger.Person, stranger.Account = "rui", "a-rui"
		k.problems(stranger, "certificate.no-power")
	})
}

func TestTheCertificateEndsWithTheRightBehindIt(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		until := k.clock.now().AddDate(0, 2, 0).Truncate(time.Second)
		k.people.powers["ana"] = []account.Power{{Key: "propria", BodyNIPC: nipc, BodyName: body, From: k.clock.now().AddDate(-1, 0, 0), Until: until}}
		v := k.issued("c1")
		if v.NotAfter.After(until) {
			t.Errorf("ends %s, the power %s", v.NotAfter, until)
		}
		k.clock.pass(35 * 24 * time.Hour)
		k.problems(k.grant("pessoa", "c2", nil), "certificate.too-short")
		k.clock.pass(40 * 24 * time.Hour)
		k.problems(k.grant("pessoa", "c3", nil), "certificate.no-power")
	})
}

func TestTheFunctionsEndInTheAnswersCaps(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		day := k.clock.now().AddDate(0, 0, 10).Format(time.DateOnly)
		k.problems(k.grant("pessoa", "c1", portal.Answers{"h": {day}}), "certificate.too-short")
		day = k.clock.now().AddDate(0, 0, 40).Format(time.DateOnly)
		k.problems(k.grant("pessoa", "c2", portal.Answers{"h": {day}}))
	})
}

func TestAKeyIsOrderedOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		key, err := issuance.GenerateKey(issuance.ECP256)
		must(t, err)
		g := k.grant("pessoa", "c1", portal.Answers{"i": {requestOf(t, key, pkix.Name{})}})
		must(t, k.approve(g, "rui", "ivo"))
		again := k.grant("sitio", "c2", portal.Answers{"d": {requestOf(t, key, pkix.Name{})}})
		k.problems(again, "E-CSR-04")
		wantKey(t, k.approve(again, "rui", "ivo"), fault.Conflict, "E-CSR-04")
	})
}

func TestAKeyThatOthersHaveIsNotOrdered(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		key, err := issuance.GenerateKey(issuance.ECP256)
		must(t, err)
		public, err := issuance.CheckKey(key.Public())
		must(t, err)
		g := k.grant("pessoa", "c1", portal.Answers{"i": {requestOf(t, key, pkix.Name{})}})
		k.problems(g)
		k.known, err = issuance.ParseKeyList(strings.NewReader("# published\n" + public.Fingerprint() + "\n"))
		must(t, err)
		k.open()
		k.problems(g, "issuance.key-known")
		wantKey(t, k.approve(g, "rui", "ivo"), fault.Conflict, "issuance.key-known")
	})
}

func TestDomainsThatTheRegisterDoesNotKnowAreSaid(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		p := k.propose(k.grant("sitio", "c1", portal.Answers{"c": {"www.exemplo.pt", "exemplo.pt.outro.pt"}}))
		if got := valueOf(p, "certificate.line.outside"); got != "exemplo.pt.outro.pt" || len(p.Problems) > 0 {
			t.Fatalf("%q, problems %v", got, p.Problems)
		}
	})
}

func TestCheckTellsEveryMistakeOfADefinition(t *testing.T) {
	p := desktop(t)
	outcome := &certificate.Outcome{}
	for _, proc := range p.Procedures {
		if wrong := outcome.Check(p, proc); len(wrong) > 0 {
			t.Errorf("%s: %v", proc.Key, wrong)
		}
	}
	bad, err := portal.ParseProcedure(desk, "v1", []byte(strings.NewReplacer(
		"for: person", "for: visitor", "approvals: 2", "approvals: 1", "identity: true", "identity: false", "power: propria", "power: outra",
		"names: answers", "names: csr", "role: civil-number", "role: motive", "min-days: 30", "min-days: 0",
	).Replace(person)))
	must(t, err)
	if wrong := outcome.Check(p, bad); len(wrong) != 7 {
		t.Errorf("%d mistakes: %v", len(wrong), wrong)
	}
}
