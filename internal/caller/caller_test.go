package caller_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/caller"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
	"chancela/internal/portal"
	"chancela/internal/throttle"
)

const (
	desk = "exemplo"
	nipc = "590000004"
)

// kit is the room on a real database; people and the clock alone are played.
type kit struct {
	*caller.Service
	t  *testing.T
	db *db.DB

	mu     sync.Mutex
	at     time.Time
	powers map[actor.PersonID][]account.Power
	away   map[actor.AccountID]bool // suspended
}

func (k *kit) Known(_ context.Context, _ *db.Tx, _ string, person actor.PersonID, id actor.AccountID) (account.Known, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return account.Known{Person: person, Account: id, Powers: k.powers[person]}, nil
}

func (k *kit) Find(_ context.Context, _ *db.Tx, id actor.AccountID) (account.Account, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away[id] {
		return account.Account{ID: id, State: account.Suspended}, nil
	}
	return account.Account{ID: id, State: account.Active}, nil
}

func (k *kit) PersonName(_ context.Context, _ *db.Tx, person actor.PersonID) (string, error) {
	return "Pessoa " + string(person), nil
}

func (k *kit) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.at
}

func (k *kit) pass(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = k.at.Add(d)
}

func each(t *testing.T, test func(t *testing.T, k *kit)) {
	t.Helper()
	k := &kit{}
	dbtest.EachAt(t, k.now, func(t *testing.T, d *db.DB) {
		k.t, k.db, k.at = t, d, time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
		power := account.Power{Key: "tempo", BodyNIPC: nipc, BodyName: "Município de Exemplo", From: k.at.AddDate(-1, 0, 0)}
		k.powers = map[actor.PersonID][]account.Power{"ana": {power}, "bia": {power}, "rui": {{Key: "outro", BodyNIPC: nipc, From: power.From}}}
		k.away = map[actor.AccountID]bool{}
		k.Service = caller.New(caller.Config{
			DB: d, Accounts: k, Throttle: throttle.New(throttle.Key{1}),
			Portals: &portal.Set{Portals: []*portal.Portal{{Name: desk, Powers: []portal.Power{{Key: "tempo", StampsPerMonth: 1000}, {Key: "outro"}}}}},
		})
		test(t, k)
	})
}

func person(who string) actor.Actor {
	return actor.Actor{Kind: actor.Person, Portal: desk, Person: actor.PersonID(who), Account: actor.AccountID("a-" + who), Strength: actor.ByCode}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (k *kit) made() caller.Made {
	k.t.Helper()
	made, err := k.Make(k.t.Context(), person("ana"), nipc, " Gestão   documental ")
	must(k.t, err)
	return made
}

func (k *kit) admit(m caller.Made) error { return k.Admit(k.t.Context(), string(m.ID), m.Secret) }

func (k *kit) refused(what string, err error, kind fault.Kind) {
	k.t.Helper()
	if !fault.Is(err, kind) {
		k.t.Errorf("%s: %v; want %s", what, err, kind)
	}
}

func (k *kit) mine(who string) []caller.Body {
	k.t.Helper()
	all, err := k.Mine(k.t.Context(), person(who))
	must(k.t, err)
	return all
}

func TestAProgramIsLetInByItsNameAndSecretAndCounted(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		made := k.made()
		if len(made.Secret) != 43 || made.System != "Gestão documental" {
			t.Fatalf("%+v", made)
		}
		for range 3 {
			must(t, k.admit(made))
		}
		k.refused("a wrong secret", k.Admit(t.Context(), string(made.ID), made.Secret+"x"), fault.NotFound)
		k.refused("an empty secret", k.Admit(t.Context(), string(made.ID), ""), fault.NotFound)
		k.refused("another name", k.Admit(t.Context(), "ninguém", made.Secret), fault.NotFound)
		bodies := k.mine("bia") // whoever else of the body holds the power sees it
		if len(bodies) != 1 || bodies[0].Asked != 3 || bodies[0].Limit != 1000 || len(bodies[0].Callers) != 1 {
			t.Fatalf("%+v", bodies)
		}
		if one := bodies[0].Callers[0]; one.Asked != 3 || !one.LastAt.Equal(k.now()) || one.Maker != "Pessoa ana" || one.System != "Gestão documental" {
			t.Errorf("%+v", one)
		}
		k.pass(28 * 24 * time.Hour)
		if bodies = k.mine("ana"); bodies[0].Asked != 0 {
			t.Errorf("in another month: %+v", bodies)
		}
	})
}

func TestASecretIsKeptNowhere(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		made := k.made()
		must(t, k.db.Look(t.Context(), func(tx *db.Tx) error {
			rows, err := db.Collect(t.Context(), tx, func(scan func(...any) error) (row [3]string, err error) {
				return row, scan(&row[0], &row[1], &row[2])
			}, `SELECT id, digest, system FROM caller`)
			if err == nil && (len(rows) != 1 || strings.Contains(strings.Join(rows[0][:], " "), made.Secret)) {
				t.Errorf("%v", rows)
			}
			return err
		}))
	})
}

func TestOnlyWhoHoldsThePowerOfTheBodyMakesAndEnds(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		made := k.made()
		for _, who := range []string{"rui", "eva"} {
			_, err := k.Make(t.Context(), person(who), nipc, "Sistema")
			k.refused(who+" makes", err, fault.NotFound)
			k.refused(who+" ends", k.End(t.Context(), person(who), made.ID), fault.NotFound)
			if all := k.mine(who); len(all) != 0 {
				t.Errorf("%s sees %+v", who, all)
			}
		}
		_, err := k.Make(t.Context(), person("ana"), "699000017", "Sistema")
		k.refused("for another body", err, fault.NotFound)
		_, err = k.Make(t.Context(), person("ana"), nipc, "ab")
		k.refused("a name too short", err, fault.Invalid)
		elsewhere := person("bia")
		elsewhere.Portal = "outro"
		k.refused("from another portal", k.End(t.Context(), elsewhere, made.ID), fault.NotFound)
		staff := actor.Actor{Kind: actor.Officer, Portal: desk, Person: "eva", Roles: actor.Roles(), Strength: actor.ByCode}
		k.refused("an officer", k.End(t.Context(), staff, made.ID), fault.Forbidden)
		must(t, k.admit(made))
		must(t, k.End(t.Context(), person("bia"), made.ID))
		k.refused("once ended", k.admit(made), fault.NotFound)
		k.refused("ended twice", k.End(t.Context(), person("ana"), made.ID), fault.Conflict)
		var deeds []string
		must(t, k.db.Look(t.Context(), func(tx *db.Tx) (err error) {
			deeds, err = db.Collect(t.Context(), tx, func(scan func(...any) error) (deed string, err error) { return deed, scan(&deed) },
				`SELECT verb FROM audit_entry WHERE verb LIKE 'caller.%' ORDER BY seq`)
			return err
		}))
		if strings.Join(deeds, " ") != "caller.make caller.end" {
			t.Errorf("on record: %v", deeds)
		}
	})
}

func TestAnAccessEndsWithThePowerAndRestsWithTheAccount(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		made := k.made()
		k.mu.Lock()
		k.away["a-ana"] = true
		k.mu.Unlock()
		k.refused("of a suspended account", k.admit(made), fault.Forbidden)
		k.mu.Lock()
		delete(k.away, "a-ana")
		ana := k.powers["ana"]
		k.powers["ana"] = nil // her function ended; Bia's did not
		k.mu.Unlock()
		k.refused("of an ended power", k.admit(made), fault.Forbidden)
		k.mu.Lock()
		k.powers["ana"] = ana
		k.mu.Unlock()
		must(t, k.admit(made))
	})
}

func TestAProgramHasAMinuteAndItsBodyAMonth(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		first, second := k.made(), k.made()
		for range 600 {
			must(t, k.admit(first))
		}
		k.refused("the 601st in a minute", k.admit(first), fault.Throttled)
		must(t, k.admit(second)) // another of the body has a minute of its own
		k.pass(time.Minute)
		for range 399 {
			must(t, k.admit(second))
		}
		for _, one := range []caller.Made{first, second} {
			err := k.admit(one)
			if f, _ := fault.As(err); f == nil || f.Kind != fault.Throttled || f.Key != "caller.month-used-up" || f.Retry < 24*time.Hour {
				t.Fatalf("behind the body's month: %v", err)
			}
		}
		k.pass(28 * 24 * time.Hour)
		must(t, k.admit(first))
	})
}

func TestManyAtOnceAreEachCounted(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		made := k.made()
		var in atomic.Int64
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				if err := k.admit(made); err == nil {
					in.Add(1)
				} else {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if bodies := k.mine("ana"); bodies[0].Asked != in.Load() || in.Load() != 40 {
			t.Errorf("%d let in, %d counted", in.Load(), bodies[0].Asked)
		}
	})
}

func TestABodyHasTwentyAccessesAtATime(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		var last caller.Made
		for range 20 {
			last = k.made()
		}
		_, err := k.Make(t.Context(), person("bia"), nipc, "Mais um")
		k.refused("the 21st", err, fault.Conflict)
		must(t, k.End(t.Context(), person("bia"), last.ID))
		k.made()
	})
}
