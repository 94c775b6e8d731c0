package problem_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
	"chancela/internal/problem"
	"chancela/internal/throttle"
	"chancela/internal/vault"
)

type post struct {
	mu   sync.Mutex
	sent []letter.Letter
}

func (p *post) Send(_ context.Context, tx *db.Tx, what letter.Letter) error {
	tx.After(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sent = append(p.sent, what)
	})
	return nil
}

func (p *post) to(event portal.Event) (addresses []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.sent {
		if l.Event == event {
			addresses = append(addresses, l.To.Address)
		}
	}
	return addresses
}

type people struct{}

func (people) Officers(context.Context, *db.Tx, string, actor.Permission) ([]account.Contact, error) {
	return []account.Contact{{Name: "Rui", Address: "rui@exemplo.pt", Lang: i18n.PT}}, nil
}

func (people) PersonName(_ context.Context, _ *db.Tx, person actor.PersonID) (string, error) {
	return "Pessoa " + string(person), nil
}

type kit struct {
	*problem.Service
	db   *db.DB
	post *post
}

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		v, err := vault.New([]byte(strings.Repeat("k", 32)))
		must(t, err)
		k := &kit{db: d, post: &post{}}
		k.Service = problem.New(problem.Config{
			DB: d, Portals: &portal.Set{Portals: []*portal.Portal{{Name: "exemplo"}, {Name: "outro"}}}, People: people{}, Letters: k.post, Vault: v,
			Throttle: throttle.New(throttle.Key{1}), Page: "tecnico/comunicacoes",
		})
		test(t, k)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func visitor(from string) actor.Actor {
	return actor.Actor{Kind: actor.Visitor, Portal: "exemplo", Address: from}
}

func officer(roles ...actor.Role) actor.Actor {
	return actor.Actor{Kind: actor.Officer, Portal: "exemplo", Person: "rui", Roles: roles, Strength: actor.ByCode}
}

var decider = officer(actor.Decider)

const canary = "uma-frase-que-ninguem-mais-escreveria"

func said() problem.Said {
	return problem.Said{About: "www.exemplo.pt", Words: "A chave deste sítio está publicada: " + canary, Mail: "quem@exemplo.pt"}
}

func TestAReportIsAcknowledgedReadAndAnsweredOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		done, err := k.Report(t.Context(), visitor("a"), problem.Problem, said(), i18n.EN)
		if must(t, err); !strings.HasPrefix(done.Number, "C-") || done.DueAt.Sub(done.At) != 24*time.Hour {
			t.Fatalf("%+v", done)
		}
		if got := k.post.to(portal.ProblemReceived); !slices.Equal(got, []string{"quem@exemplo.pt"}) {
			t.Fatalf("acknowledged to %v", got)
		}
		if got := k.post.to(portal.ProblemToReview); !slices.Equal(got, []string{"rui@exemplo.pt"}) {
			t.Fatalf("told %v", got)
		}
		all, err := k.Queue(t.Context(), decider)
		if must(t, err); len(all) != 1 || all[0].Said != said() || all[0].State != problem.Open || all[0].Number != done.Number || all[0].Lang != i18n.EN {
			t.Fatalf("%+v", all)
		}
		id := all[0].ID
		if err := k.Answer(t.Context(), decider, id, "curto"); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		must(t, k.Answer(t.Context(), decider, id, "O certificado foi revogado hoje mesmo."))
		if err := k.Answer(t.Context(), decider, id, "Outra resposta, que chegou tarde."); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		if got := k.post.to(portal.ProblemAnswered); !slices.Equal(got, []string{"quem@exemplo.pt"}) {
			t.Fatalf("answered to %v", got)
		}
		r, err := k.Of(t.Context(), decider, id)
		if must(t, err); r.State != problem.Answered || r.Answer != "O certificado foi revogado hoje mesmo." || r.Name != "Pessoa rui" {
			t.Fatalf("%+v", r)
		}
	})
}

func TestReportsAreForTheOfficersOfTheirPortal(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		_, err := k.Report(t.Context(), visitor("a"), problem.Problem, said(), i18n.PT)
		must(t, err)
		all, err := k.Queue(t.Context(), officer(actor.Auditor))
		must(t, err)
		id := all[0].ID
		elsewhere := decider
		elsewhere.Portal = "outro"
		if list, err := k.Queue(t.Context(), elsewhere); err != nil || len(list) != 0 {
			t.Errorf("another portal sees %v: %v", list, err)
		}
		const words = "Uma resposta de ensaio, bem comprida."
		for _, by := range []actor.Actor{elsewhere, visitor("a"), {Kind: actor.Person, Portal: "exemplo", Person: "ana", Strength: actor.ByCode}, actor.Machine("exemplo")} {
			if _, err := k.Of(t.Context(), by, id); !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s of %s reads it: %v", by.Kind, by.Portal, err)
			}
			if err := k.Answer(t.Context(), by, id, words); !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s of %s answers it: %v", by.Kind, by.Portal, err)
			}
		}
		for _, role := range []actor.Role{actor.Auditor, actor.CardOperator, actor.Administrator} {
			if err := k.Answer(t.Context(), officer(role), id, words); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s answers it: %v", role, err)
			}
		}
		if _, err := k.Of(t.Context(), decider, "nenhuma"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

func TestAllThatIsWrongWithAReportIsToldAtOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		wrong := func(kind problem.Kind, said problem.Said, want ...string) {
			t.Helper()
			_, err := k.Report(t.Context(), visitor("a"), kind, said, i18n.PT)
			e, _ := fault.As(err)
			var got []string
			if e != nil {
				for _, f := range e.Fields {
					got = append(got, f.Name)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%v; want %v", got, want)
			}
		}
		wrong(problem.Problem, problem.Said{Words: "curto", Mail: "sem arroba"}, "about", "mail", "words")
		wrong(problem.CallBack, problem.Said{}, "body", "name", "telephone", "words")
		wrong(problem.Problem, problem.Said{About: strings.Repeat("x", 301), Words: strings.Repeat("x", 4001)}, "about", "words")
		if list, err := k.Queue(t.Context(), decider); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
	})
}

func TestReportsAreThrottledByNetworkAndByAddress(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		taken := 0
		for range 10 {
			_, err := k.Report(t.Context(), visitor("a"), problem.Problem, problem.Said{About: "x", Words: said().Words}, i18n.PT)
			if err == nil {
				taken++
			} else if !fault.Is(err, fault.Throttled) {
				t.Fatal(err)
			}
		}
		if taken != 6 {
			t.Errorf("%d from one network", taken)
		}
		taken = 0
		for _, from := range []string{"b", "c", "d", "e", "f"} {
			if _, err := k.Report(t.Context(), visitor(from), problem.Problem, said(), i18n.PT); err == nil {
				taken++
			}
		}
		if taken != 3 || len(k.post.to(portal.ProblemReceived)) != 3 {
			t.Errorf("%d mails to one address", taken)
		}
	})
}

func TestWhatStrangersWriteIsNotInTheDatabaseInClear(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		_, err := k.Report(t.Context(), visitor("a"), problem.Problem, said(), i18n.PT)
		must(t, err)
		must(t, k.db.Look(t.Context(), func(tx *db.Tx) error {
			var number, locked string
			err := tx.Row(t.Context(), `SELECT number, locked FROM problem_report`).Scan(&number, &locked)
			if strings.Contains(locked, canary) || strings.Contains(locked, "quem@") {
				t.Error("it is readable")
			}
			return err
		}))
	})
}
