package account

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// shelf is a room whose things hang on powers. What ended is counted when it is committed.
type shelf struct {
	mu     sync.Mutex
	things []hung
	ended  map[string]int
	fails  map[string]error
}

type hung struct {
	id, power, nipc string
	person          actor.PersonID
}

func (s *shelf) Hanging(_ context.Context, _ *db.Tx, of Scope) (all []Thing, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.things {
		mine := one.nipc == of.NIPC && (of.Body || one.person == of.Person && slices.Contains(of.Powers, one.power))
		if !mine || s.ended[one.id] > 0 {
			continue
		}
		effect := Ends
		if one.power == "sites" && !of.Body {
			effect = Stays
		}
		all = append(all, Thing{ID: one.id, Label: i18n.Text{PT: "Certificado", EN: "Certificate"}, Detail: one.id, Effect: effect})
	}
	return all, nil
}

func (s *shelf) End(_ context.Context, tx *db.Tx, _ *portal.Portal, id string, ground portal.Reason) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ground.Code == "" {
		return errors.New("without a ground")
	}
	if err := s.fails[id]; err != nil {
		return err
	}
	tx.After(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended[id]++
	})
	return nil
}

func (s *shelf) put(id, power, nipc string, person actor.PersonID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.things = append(s.things, hung{id, power, nipc, person})
}

// endings is a portal whose powers end by rule, with a shelf.
func (k *kit) endings() *shelf {
	k.p.Rules.Endings = portal.Endings{Power: "RV02", Body: "RV09"}
	k.p.Powers[0].Manages = true
	k.p.Reasons = []portal.Reason{{Code: "RV02", For: "revoke", CRL: 3}, {Code: "RV09", For: "revoke", CRL: 5}}
	s := &shelf{ended: map[string]int{}, fails: map[string]error{}}
	k.Hang("certificate", s)
	return s
}

// member lets somebody in at a body, with powers, and has them come in.
func (k *kit) member(name, address, nipc string, powers ...string) Account {
	k.t.Helper()
	g := k.asking("person", name, "mail", address, "number", nipc)
	g.Answers["wanted"] = powers
	must(k.t, k.admit(g))
	one := k.at(address, Applicant)
	k.enters(one)
	return k.at(address, Applicant)
}

func (a Account) person() actor.Actor {
	return actor.Actor{Kind: actor.Person, Portal: a.Portal, Person: a.Person, Account: a.ID, Session: "s", Strength: actor.ByCode}
}

func (k *kit) preview(by actor.Actor, which Which) Preview {
	k.t.Helper()
	v, err := k.WhatEnds(k.t.Context(), by, which)
	must(k.t, err)
	return v
}

func (k *kit) carriesOut(want int) {
	k.t.Helper()
	if n, err := k.CarryOut(k.t.Context()); err != nil || n != want {
		k.t.Fatalf("%d endings done, want %d: %v", n, want, err)
	}
}

const municipality, directorate = "590000012", "590000020"

func TestALeaversPowersAndCertificatesEndAsThePreviewSaid(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		boss := k.member("Rita Chefe Exemplo", "rita@exemplo.pt", municipality, "orders")
		ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "orders", "sites")
		k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", directorate, "orders")
		s.put("c1", "orders", municipality, ana.Person)
		s.put("c2", "sites", municipality, ana.Person)
		s.put("c3", "orders", directorate, ana.Person)
		s.put("c4", "orders", municipality, boss.Person)
		which := Which{Portal: office, NIPC: municipality, Person: ana.Person}
		v := k.preview(boss.person(), which)
		if len(v.Powers) != 2 || v.Count(Ends) != 1 || v.Count(Stays) != 1 || v.Name != "Ana Maria Exemplo da Silva" {
			t.Fatalf("%+v", v)
		}
		id, err := k.EndPowers(t.Context(), boss.person(), which, v.Digest, time.Time{})
		must(t, err)
		again, err := k.EndPowers(t.Context(), boss.person(), which, v.Digest, time.Time{})
		if err != nil || again != id {
			t.Fatalf("confirmed again: %q %v", again, err)
		}
		if left := k.known(ana).Powers; len(left) != 1 || left[0].BodyNIPC != directorate {
			t.Fatalf("powers left: %+v", left)
		}
		k.carriesOut(1)
		k.carriesOut(0)
		if !maps.Equal(s.ended, map[string]int{"c1": 1}) {
			t.Fatalf("ended %v", s.ended)
		}
		e, err := k.EndingOf(t.Context(), ana.person(), id)
		if err != nil || e.DoneAt.IsZero() || e.By != "Rita Chefe Exemplo" || e.Things[0].DoneAt.IsZero() || !e.Things[1].DoneAt.IsZero() {
			t.Fatalf("%+v %v", e, err)
		}
		told := k.post.of(portal.PowersEnded)
		if len(told) != 2 || told[0].Values["list"] != "Certificado c1" {
			t.Fatalf("told %+v", told)
		}
		if k.entries("power.end") != 1 || k.entries("ending.done") != 1 {
			t.Fatal("the record")
		}
	})
}

func TestNobodyEndsThePowersOfOthersWithoutTheRight(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.endings()
		boss := k.member("Rita Chefe Exemplo", "rita@exemplo.pt", municipality, "orders")
		ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "sites")
		other := k.member("Zé de Outra Exemplo", "ze@exemplo.pt", directorate, "orders")
		which := Which{Portal: office, NIPC: municipality, Person: ana.Person}
		digest := k.preview(decider(), which).Digest
		unsure := boss.person()
		unsure.Strength = actor.ByLink
		elsewhere := decider()
		elsewhere.Portal = "two"
		reader := decider()
		reader.Roles = []actor.Role{actor.Auditor}
		for name, c := range map[string]struct {
			by    actor.Actor
			which Which
			want  fault.Kind
		}{
			"another body's responsible person": {other.person(), which, fault.NotFound},
			"a colleague":                       {ana.person(), Which{Portal: office, NIPC: municipality, Person: boss.Person}, fault.NotFound},
			"a visitor":                         {actor.Nobody(office), which, fault.Forbidden},
			"somebody half signed in":           {unsure, which, fault.Forbidden},
			"an officer of another portal":      {elsewhere, which, fault.NotFound},
			"an auditor":                        {reader, which, fault.Forbidden},
			"the responsible person, the body":  {boss.person(), Which{Portal: office, NIPC: municipality}, fault.NotFound},
			"the program":                       {actor.Machine(office), which, fault.Forbidden},
		} {
			if _, err := k.WhatEnds(t.Context(), c.by, c.which); !fault.Is(err, c.want) {
				t.Errorf("%s sees: %v", name, err)
			}
			if _, err := k.EndPowers(t.Context(), c.by, c.which, digest, time.Time{}); !fault.Is(err, c.want) {
				t.Errorf("%s ends: %v", name, err)
			}
		}
		if len(k.known(ana).Powers) != 1 || k.entries("power.end") != 0 {
			t.Error("something ended")
		}
		teams, err := k.Teams(t.Context(), boss.person())
		if err != nil || len(teams) != 1 || len(teams[0].Members) != 2 {
			t.Errorf("the responsible person's team: %+v %v", teams, err)
		}
		if teams, err = k.Teams(t.Context(), ana.person()); err != nil || len(teams[0].Members) != 1 || !teams[0].Members[0].Own {
			t.Errorf("a colleague's: %+v %v", teams, err)
		}
		if v := k.preview(ana.person(), which); len(v.Powers) != 1 {
			t.Errorf("one's own: %+v", v)
		}
	})
}

func TestAListThatHasChangedIsNotWhatWasConfirmed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "orders")
		s.put("c1", "orders", municipality, ana.Person)
		which := Which{Portal: office, NIPC: municipality, Person: ana.Person}
		digest := k.preview(decider(), which).Digest
		s.put("c2", "orders", municipality, ana.Person)
		_, err := k.EndPowers(t.Context(), decider(), which, digest, time.Time{})
		refused(t, err, fault.Conflict, "ending.changed")
		_, err = k.EndPowers(t.Context(), decider(), which, "", time.Time{})
		refused(t, err, fault.Conflict, "ending.changed")
		if len(k.known(ana).Powers) != 1 {
			t.Fatal("a power ended")
		}
		_, err = k.EndPowers(t.Context(), decider(), which, k.preview(decider(), which).Digest, time.Time{})
		must(t, err)
	})
}

func TestAnEndingOnADayWaitsForItAndAPowerGrantedAnewSparesWhatHangsOnIt(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "orders")
		ze := k.member("Zé de Outra Exemplo", "ze@exemplo.pt", municipality, "orders")
		s.put("c1", "orders", municipality, ana.Person)
		s.put("c2", "orders", municipality, ze.Person)
		on := k.clock.time().Add(72 * time.Hour)
		for _, one := range []Account{ana, ze} {
			which := Which{Portal: office, NIPC: municipality, Person: one.Person}
			_, err := k.EndPowers(t.Context(), decider(), which, k.preview(decider(), which).Digest, on)
			must(t, err)
		}
		k.carriesOut(0)
		if power := k.known(ana).Powers[0]; !power.Runs(k.clock.time()) || !power.Until.Equal(on) {
			t.Fatalf("%+v", power)
		}
		g := k.asking("person", "Zé de Outra Exemplo", "mail", "ze@exemplo.pt", "number", municipality)
		must(t, k.admit(g)) // Zé stays after all
		s.put("c3", "orders", municipality, ana.Person)
		k.clock.pass(73 * time.Hour)
		k.carriesOut(2)
		if !maps.Equal(s.ended, map[string]int{"c1": 1, "c3": 1}) {
			t.Fatalf("ended %v", s.ended)
		}
		if len(k.known(ana).Powers) != 0 || len(k.known(ze).Powers) != 1 {
			t.Fatal("powers")
		}
	})
}

func TestATermThatComesEndsWhatHangsOnIt(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		g := k.asking("until", k.clock.time().AddDate(0, 0, 10).Format(time.DateOnly))
		must(t, k.admit(g))
		ana := k.at("ana@exemplo.pt", Applicant)
		k.enters(ana)
		s.put("c1", "orders", municipality, ana.Person)
		k.carriesOut(0)
		k.clock.pass(12 * 24 * time.Hour)
		k.carriesOut(1)
		k.carriesOut(0)
		if s.ended["c1"] != 1 {
			t.Fatalf("ended %v", s.ended)
		}
		all, err := k.Endings(t.Context(), decider())
		if err != nil || len(all) != 1 || all[0].Cause != TermEnded || all[0].By != "" {
			t.Fatalf("%+v %v", all, err)
		}
	})
}

func TestWhenABodyEndsEverybodysPowersDoAndWhatIsProposedWaitsForAnOfficer(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		k.Hang("credential", proposals{})
		ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "orders")
		ze := k.member("Zé de Outra Exemplo", "ze@exemplo.pt", municipality, "sites")
		s.put("c1", "orders", municipality, ana.Person)
		s.put("c2", "sites", municipality, ze.Person)
		which := Which{Portal: office, NIPC: municipality}
		v := k.preview(decider(), which)
		if len(v.Powers) != 2 || v.Count(Ends) != 2 || v.Count(Proposed) != 1 {
			t.Fatalf("%+v", v)
		}
		id, err := k.EndPowers(t.Context(), decider(), which, v.Digest, time.Time{})
		must(t, err)
		k.carriesOut(1)
		e, err := k.EndingOf(t.Context(), decider(), id)
		if err != nil || e.Reason != "RV09" || e.Things[2].Effect != Proposed || !e.Things[2].DoneAt.IsZero() || len(s.ended) != 2 {
			t.Fatalf("%+v %v", e, err)
		}
		if err := k.Keep(t.Context(), ana.person(), id, "credential", "t1"); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a person kept it: %v", err)
		}
		must(t, k.Keep(t.Context(), decider(), id, "credential", "t1"))
		must(t, k.Keep(t.Context(), decider(), id, "credential", "t1"))
		if e, err = k.EndingOf(t.Context(), decider(), id); err != nil || e.Things[2].DoneAt.IsZero() {
			t.Fatalf("%+v %v", e, err)
		}
	})
}

// proposals hold one thing of any body that ends, for an officer to decide.
type proposals struct{}

func (proposals) Hanging(_ context.Context, _ *db.Tx, of Scope) ([]Thing, error) {
	if !of.Body {
		return nil, nil
	}
	return []Thing{{ID: "t1", Effect: Proposed}}, nil
}

func (proposals) End(context.Context, *db.Tx, *portal.Portal, string, portal.Reason) error {
	return errors.New("none ends by itself")
}

func TestWhatCannotEndNowIsTriedAgainAndTheOthersDoNotWait(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "orders")
		for _, id := range []string{"c1", "c2", "c3"} {
			s.put(id, "orders", municipality, ana.Person)
		}
		s.fails["c1"], s.fails["c2"] = fault.New(fault.Conflict, "ca.under-way"), errors.New("a fault of ours")
		which := Which{Portal: office, NIPC: municipality, Person: ana.Person}
		_, err := k.EndPowers(t.Context(), decider(), which, k.preview(decider(), which).Digest, time.Time{})
		must(t, err)
		if n, err := k.CarryOut(t.Context()); err == nil || n != 0 {
			t.Fatalf("%d %v", n, err)
		}
		delete(s.fails, "c2")
		k.carriesOut(0)
		delete(s.fails, "c1")
		k.carriesOut(1)
		if !maps.Equal(s.ended, map[string]int{"c1": 1, "c2": 1, "c3": 1}) {
			t.Fatalf("ended %v", s.ended)
		}
	})
}

func TestConfirmedByManyAtOnceItIsOneEnding(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "orders")
		s.put("c1", "orders", municipality, ana.Person)
		which := Which{Portal: office, NIPC: municipality, Person: ana.Person}
		digest := k.preview(decider(), which).Digest
		ids, errs := make([]string, 16), make([]error, 16)
		var all sync.WaitGroup
		for n := range ids {
			all.Go(func() {
				ids[n], errs[n] = k.EndPowers(t.Context(), decider(), which, digest, time.Time{})
				_, err := k.CarryOut(t.Context())
				errs[n] = errors.Join(errs[n], err)
			})
		}
		all.Wait()
		for n := range ids {
			if errs[n] != nil || ids[n] != ids[0] {
				t.Errorf("%d: %q %v", n, ids[n], errs[n])
			}
		}
		if s.ended["c1"] != 1 || k.entries("power.end") != 1 || k.entries("ending.done") != 1 {
			t.Errorf("ended %v", s.ended)
		}
	})
}

// What is done is what was shown, whatever people, powers and certificates there are.
func TestWhatIsDoneIsWhatWasShown(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		draw := rand.New(rand.NewPCG(3, 16))
		var people []Account
		for n := range 6 {
			nipc := []string{municipality, directorate}[draw.IntN(2)]
			people = append(people, k.member(fmt.Sprintf("Pessoa Inventada %c", 'A'+rune(n)), fmt.Sprintf("p%d@exemplo.pt", n), nipc, [][]string{{"orders"}, {"sites"}, {"orders", "sites"}}[draw.IntN(3)]...))
		}
		for n := range 40 {
			s.put(fmt.Sprint("c", n), []string{"orders", "sites"}[draw.IntN(2)], []string{municipality, directorate}[draw.IntN(2)], people[draw.IntN(len(people))].Person)
		}
		for round := range 14 {
			which := Which{Portal: office, NIPC: []string{municipality, directorate}[draw.IntN(2)]}
			if draw.IntN(6) > 0 {
				which.Person = people[draw.IntN(len(people))].Person
			}
			v := k.preview(decider(), which)
			before := maps.Clone(s.ended)
			if _, err := k.EndPowers(t.Context(), decider(), which, v.Digest, time.Time{}); err != nil {
				if len(v.Powers) == 0 && fault.Is(err, fault.NotFound) {
					continue
				}
				t.Fatal(err)
			}
			if _, err := k.CarryOut(t.Context()); err != nil {
				t.Fatal(err)
			}
			shown := map[string]int{}
			for _, one := range v.Things {
				if one.Effect == Ends {
					shown[one.ID] = 1
				}
			}
			maps.Copy(shown, before)
			if !maps.Equal(shown, s.ended) {
				t.Fatalf("round %d: shown and before %v, done %v", round, shown, s.ended)
			}
		}
	})
}

func TestAnAccountThatIsClosedTakesItsCertificatesAlong(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		s := k.endings()
		ana := k.member("Ana Maria Exemplo da Silva", "ana@exemplo.pt", municipality, "orders")
		s.put("c1", "orders", municipality, ana.Person)
		must(t, k.Close(t.Context(), decider(), ana.ID))
		k.carriesOut(1)
		if s.ended["c1"] != 1 {
			t.Fatal("its certificate is in force")
		}
	})
}
