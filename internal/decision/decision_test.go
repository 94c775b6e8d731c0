package decision_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/i18n"
)

func noon() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// desk is one database.
type desk struct {
	t *testing.T
	d *db.DB
}

func each(t *testing.T, test func(k desk)) {
	t.Helper()
	dbtest.EachAt(t, noon, func(t *testing.T, d *db.DB) { test(desk{t, d}) })
}

func decider(person, account string) actor.Actor {
	return actor.Actor{
		Kind: actor.Officer, Portal: "one", Person: actor.PersonID(person), Account: actor.AccountID(account),
		Session: "s-" + account, Roles: []actor.Role{actor.Director, actor.Decider}, Strength: actor.ByCode,
	}
}

func approval() decision.Entry {
	return decision.Entry{Portal: "one", Case: "c1", Revision: "r1", Subject: "s1", Verdict: decision.Approve, Office: "Diretora (exemplo)"}
}

func refusal() decision.Entry {
	e := approval()
	e.Verdict, e.Subject, e.Weighing = decision.Refuse, "", "Ouvido o interessado, nada de novo."
	e.Reasons = []decision.Reason{{Code: "F01", Words: "Não junta a ata (exemplo)."}}
	return e
}

func (k desk) record(by actor.Actor, e decision.Entry) (id decision.ID, err error) {
	err = k.d.InTx(context.Background(), func(tx *db.Tx) (err error) {
		id, err = decision.Record(context.Background(), tx, by, e)
		return err
	})
	return id, err
}

func (k desk) must(by actor.Actor, e decision.Entry) decision.ID {
	k.t.Helper()
	id, err := k.record(by, e)
	if err != nil {
		k.t.Fatal(err)
	}
	return id
}

func (k desk) void(why string) {
	k.t.Helper()
	err := k.d.InTx(context.Background(), func(tx *db.Tx) error {
		return decision.Void(context.Background(), tx, actor.Actor{Kind: actor.Person, Portal: "one", Person: "p9"}, "c1", why)
	})
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k desk) enough(portal, subject string, quorum int) (ids []decision.ID, err error) {
	err = k.d.InTx(context.Background(), func(tx *db.Tx) (err error) {
		ids, err = decision.Enough(context.Background(), tx, portal, subject, quorum)
		return err
	})
	return ids, err
}

func (k desk) entries(look func(tx *db.Tx) ([]decision.Entry, error)) (found []decision.Entry) {
	k.t.Helper()
	err := k.d.Look(context.Background(), func(tx *db.Tx) (err error) {
		found, err = look(tx)
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return found
}

func (k desk) history(caseID string) []decision.Entry {
	k.t.Helper()
	return k.entries(func(tx *db.Tx) ([]decision.Entry, error) { return decision.Of(context.Background(), tx, caseID) })
}

func (k desk) standing(revision string) []decision.Entry {
	k.t.Helper()
	return k.entries(func(tx *db.Tx) ([]decision.Entry, error) {
		return decision.Standing(context.Background(), tx, "c1", revision)
	})
}

func refused(t *testing.T, what string, err error, kind fault.Kind, key string) {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Kind != kind || f.Key != key {
		t.Errorf("%s: %v, want %s %s", what, err, kind, key)
	}
	if _, has := i18n.Word(key); !has {
		t.Errorf("%s has no words", key)
	}
}

func TestADecisionIsKeptWhole(t *testing.T) {
	each(t, func(k desk) {
		by := decider("p1", "a1")
		want := refusal()
		want.Delegation = "Despacho 1/2026 (exemplo)"
		id := k.must(by, want)
		got := k.history("c1")[0]
		if got.ID != id || got.Number != 1 || got.Round != 0 || !got.At.Equal(noon()) || got.Person != "p1" || got.Account != "a1" ||
			got.Session != "s-a1" || got.Strength != actor.ByCode || got.Roles != "decider,director" || got.Kind != actor.Officer ||
			got.Office != want.Office || got.Delegation != want.Delegation || got.Weighing != want.Weighing ||
			!slices.Equal(got.Reasons, want.Reasons) || got.Verdict != decision.Refuse || got.Revision != "r1" {
			k.t.Errorf("%+v", got)
		}
		one := k.entries(func(tx *db.Tx) ([]decision.Entry, error) {
			e, err := decision.Find(context.Background(), tx, id)
			return []decision.Entry{e}, err
		})[0]
		if one.Digest() != got.Digest() || len(got.Digest()) != 64 {
			k.t.Errorf("%s, then %s", got.Digest(), one.Digest())
		}
		one.Weighing += "x"
		if one.Digest() == got.Digest() {
			k.t.Error("the digest does not cover the weighing")
		}
		err := k.d.Look(k.t.Context(), func(tx *db.Tx) error {
			_, err := decision.Find(k.t.Context(), tx, "none")
			return err
		})
		refused(k.t, "no such decision", err, fault.NotFound, "fault.not-found")
	})
}

func TestRecordRefusesWhoMayNotAndWhatIsNotReasonedAndWritesNothing(t *testing.T) {
	each(t, func(k desk) {
		with := func(change func(*decision.Entry)) decision.Entry {
			e := refusal()
			change(&e)
			return e
		}
		director := decider("p1", "a1")
		director.Roles = []actor.Role{actor.Director}
		weak := decider("p1", "a1")
		weak.Strength = actor.ByLink
		for name, c := range map[string]struct {
			by   actor.Actor
			e    decision.Entry
			kind fault.Kind
			key  string
		}{
			"another portal's officer": {decider("p1", "a1"), with(func(e *decision.Entry) { e.Portal = "two" }), fault.NotFound, "fault.not-found"},
			"a director decides":       {director, approval(), fault.Forbidden, "fault.forbidden"},
			"weakly signed in":         {weak, approval(), fault.Forbidden, "fault.too-weak"},
			"an officer unknown":       {decider("", "a1"), approval(), fault.Forbidden, "fault.forbidden"},
			"the program":              {actor.Machine("one"), approval(), fault.Forbidden, "fault.forbidden"},
			"a person":                 {actor.Actor{Kind: actor.Person, Portal: "one", Person: "p1", Strength: 4}, approval(), fault.Forbidden, "fault.forbidden"},
			"no reasons":               {decider("p1", "a1"), with(func(e *decision.Entry) { e.Reasons = nil }), fault.Invalid, "decision.reasons-missing"},
			"a code without words":     {decider("p1", "a1"), with(func(e *decision.Entry) { e.Reasons[0].Words = "" }), fault.Invalid, "decision.reasons-missing"},
			"a text too long":          {decider("p1", "a1"), with(func(e *decision.Entry) { e.Weighing = strings.Repeat("ã", 20_001) }), fault.Invalid, "decision.too-long"},
			"too many reasons":         {decider("p1", "a1"), with(func(e *decision.Entry) { e.Reasons = slices.Repeat(e.Reasons, 51) }), fault.Invalid, "decision.too-long"},
			"NUL":                      {decider("p1", "a1"), with(func(e *decision.Entry) { e.Weighing = "a\x00b" }), fault.Invalid, "decision.not-text"},
			"not UTF-8":                {decider("p1", "a1"), with(func(e *decision.Entry) { e.Reasons[0].Words = "\xff" }), fault.Invalid, "decision.not-text"},
		} {
			_, err := k.record(c.by, c.e)
			refused(k.t, name, err, c.kind, c.key)
		}
		for name, e := range map[string]decision.Entry{
			"a void by the back door":     with(func(e *decision.Entry) { e.Verdict = "void" }),
			"a ceremony by the back door": with(func(e *decision.Entry) { e.Verdict = "ceremony" }),
			"no verdict":                  with(func(e *decision.Entry) { e.Verdict = "" }),
			"no case":                     with(func(e *decision.Entry) { e.Case = "" }),
			"a history of ceremonies":     with(func(e *decision.Entry) { e.Case = "ceremony/one" }),
			"no revision":                 with(func(e *decision.Entry) { e.Revision = "" }),
		} {
			if _, err := k.record(decider("p1", "a1"), e); err == nil {
				k.t.Errorf("%s was recorded", name)
			}
		}
		if got := k.history("c1"); len(got) != 0 {
			k.t.Errorf("%+v", got)
		}
		if id, err := k.record(director, with(func(e *decision.Entry) { e.Verdict = decision.ProposeRefuse })); err != nil || id == "" {
			k.t.Errorf("a director may propose: %v", err)
		}
	})
}

func TestOnePersonApprovesOnceWhateverTheAccount(t *testing.T) {
	each(t, func(k desk) {
		k.must(decider("p1", "a1"), approval())
		for _, account := range []string{"a1", "a2"} {
			_, err := k.record(decider("p1", account), approval())
			refused(k.t, account, err, fault.Conflict, "decision.already")
		}
		if got := k.history("c1"); len(got) != 1 || got[0].Number != 1 {
			k.t.Errorf("the refused tries left %+v", got)
		}
		_, err := k.enough("one", "s1", 2)
		refused(k.t, "four eyes of one person", err, fault.Forbidden, "decision.not-enough")
		k.must(decider("p2", "a3"), approval())
		if ids, err := k.enough("one", "s1", 2); err != nil || len(ids) != 2 {
			k.t.Errorf("%v, %v", ids, err)
		}
		if people := decision.People(k.standing("r1"), decision.Approve); !slices.Equal(people, []actor.PersonID{"p1", "p2"}) {
			k.t.Errorf("%v", people)
		}
	})
}

func TestApprovingAtOnceCountsOnce(t *testing.T) {
	each(t, func(k desk) {
		var won, lost atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				switch _, err := k.record(decider("p1", "a1"), approval()); {
				case err == nil:
					won.Add(1)
				case fault.Is(err, fault.Conflict):
					lost.Add(1)
				default:
					k.t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 19 || len(k.history("c1")) != 1 {
			k.t.Errorf("%d won, %d lost, %d rows", won.Load(), lost.Load(), len(k.history("c1")))
		}
	})
}

func TestOfManyApproversAtOnceExactlyOneCompletesTheQuorum(t *testing.T) {
	each(t, func(k desk) {
		var completed atomic.Int64
		var all sync.WaitGroup
		for _, person := range []string{"p1", "p2", "p3", "p4", "p5", "p6"} {
			all.Go(func() {
				second := false
				err := k.d.InTx(context.Background(), func(tx *db.Tx) error {
					if _, err := decision.Record(context.Background(), tx, decider(person, person), approval()); err != nil {
						return err
					}
					standing, err := decision.Standing(context.Background(), tx, "c1", "r1")
					second = len(decision.People(standing, decision.Approve)) == 2
					return err
				})
				if err != nil {
					k.t.Error(err)
				}
				if second {
					completed.Add(1)
				}
			})
		}
		all.Wait()
		if completed.Load() != 1 {
			k.t.Errorf("%d saw themselves as the second", completed.Load())
		}
	})
}

func TestAnEditVoidsWhatWasApproved(t *testing.T) {
	each(t, func(k desk) {
		k.must(decider("p1", "a1"), approval())
		k.must(decider("p2", "a2"), approval())
		k.void("o requerente substituiu um documento")
		_, err := k.enough("one", "s1", 1)
		refused(k.t, "voided", err, fault.Forbidden, "decision.not-enough")
		if got := k.standing("r1"); len(got) != 0 {
			k.t.Errorf("stands: %+v", got)
		}
		changed := approval()
		changed.Revision = "r2"
		k.must(decider("p1", "a1"), changed)
		_, err = k.enough("one", "s1", 2)
		refused(k.t, "one of each revision", err, fault.Forbidden, "decision.not-enough")
		k.void("voltou ao que era")
		k.must(decider("p1", "a1"), approval()) // the same revision in a new round
		k.must(decider("p2", "a2"), approval())
		ids, err := k.enough("one", "s1", 2)
		if err != nil || len(ids) != 2 || len(k.standing("r1")) != 2 || len(k.standing("r2")) != 0 {
			k.t.Errorf("%v, %v, %+v", ids, err, k.standing("r1"))
		}
		history := k.history("c1")
		if len(history) != 7 || !history[2].Verdict.Voided() || history[2].Minutes == "" || history[6].Round != 2 || history[6].Number != 7 {
			k.t.Errorf("%+v", history)
		}
	})
}

func TestTheProgramVoidsInWhateverPortal(t *testing.T) {
	each(t, func(k desk) {
		k.must(decider("p1", "a1"), approval())
		err := k.d.InTx(k.t.Context(), func(tx *db.Tx) error {
			return decision.Void(k.t.Context(), tx, actor.Machine(""), "c1", "o poder cessou")
		})
		if err != nil {
			k.t.Fatal(err)
		}
		_, err = k.enough("one", "s1", 1)
		refused(k.t, "voided", err, fault.Forbidden, "decision.not-enough")
	})
}

func TestApprovalsOfOtherBytesCasesRevisionsAndPortalsDoNotAddUp(t *testing.T) {
	each(t, func(k desk) {
		k.must(decider("p1", "a1"), approval())
		for name, change := range map[string]func(*decision.Entry, *actor.Actor){
			"other bytes":      func(e *decision.Entry, _ *actor.Actor) { e.Subject = "s2" },
			"another case":     func(e *decision.Entry, _ *actor.Actor) { e.Case = "c2" },
			"another revision": func(e *decision.Entry, _ *actor.Actor) { e.Revision = "r2" },
			"another portal":   func(e *decision.Entry, by *actor.Actor) { e.Portal, by.Portal, e.Case = "two", "two", "c3" },
			"only proposed":    func(e *decision.Entry, _ *actor.Actor) { e.Verdict = decision.ProposeApprove },
		} {
			e, by := approval(), decider("p2", "a2")
			change(&e, &by)
			k.must(by, e)
			_, err := k.enough("one", "s1", 2)
			refused(k.t, name, err, fault.Forbidden, "decision.not-enough")
		}
		if ids, err := k.enough("one", "s1", 1); err != nil || len(ids) != 1 {
			k.t.Errorf("%v, %v", ids, err)
		}
		for _, quorum := range []int{0, -1} {
			if _, err := k.enough("one", "s1", quorum); err == nil {
				k.t.Errorf("a quorum of %d was taken", quorum)
			}
		}
		if _, err := k.enough("one", "", 1); err == nil {
			k.t.Error("approvals of nothing were taken")
		}
	})
}

func TestACaseThatWasRefusedSinceHasNoApprovals(t *testing.T) {
	each(t, func(k desk) {
		k.must(decider("p1", "a1"), approval())
		k.must(decider("p2", "a2"), approval())
		k.must(decider("p3", "a3"), refusal())
		_, err := k.enough("one", "s1", 1)
		refused(k.t, "refused", err, fault.Forbidden, "decision.not-enough")
		k.void("reaberto")
		k.must(decider("p1", "a1"), approval())
		if _, err := k.enough("one", "s1", 1); err != nil {
			k.t.Error(err)
		}
	})
}

func TestACeremonyIsEnoughForItsOwnBytesOnly(t *testing.T) {
	each(t, func(k desk) {
		hold := func(by actor.Actor, portal, subject, minutes string) error {
			return k.d.InTx(context.Background(), func(tx *db.Tx) error {
				return decision.RecordCeremony(context.Background(), tx, by, portal, subject, minutes)
			})
		}
		refused(k.t, "an officer", hold(decider("p1", "a1"), "one", "root", "ata"), fault.Forbidden, "fault.forbidden")
		refused(k.t, "another portal's program", hold(actor.Machine("two"), "one", "root", "ata"), fault.NotFound, "fault.not-found")
		if hold(actor.Machine("one"), "one", "", "ata") == nil || hold(actor.Machine("one"), "one", "root", "") == nil {
			k.t.Error("a ceremony of nothing, or without minutes")
		}
		_, err := k.enough("one", "root", 2)
		refused(k.t, "before", err, fault.Forbidden, "decision.not-enough")
		if err := hold(actor.Machine("one"), "one", "root", "Presentes: exemplo."); err != nil {
			k.t.Fatal(err)
		}
		if ids, err := k.enough("one", "root", 2); err != nil || len(ids) != 1 {
			k.t.Errorf("%v, %v", ids, err)
		}
		refused(k.t, "twice", hold(actor.Machine("one"), "one", "root", "ata"), fault.Conflict, "decision.already")
		for portal, subject := range map[string]string{"two": "root", "one": "other"} {
			_, err := k.enough(portal, subject, 1)
			refused(k.t, portal+" "+subject, err, fault.Forbidden, "decision.not-enough")
		}
		if err := hold(actor.Machine(""), "", "seal", "ata"); err != nil {
			k.t.Error(err)
		}
	})
}

func TestNothingIsVoidedBetweenEnoughAndTheIntent(t *testing.T) {
	each(t, func(k desk) {
		k.must(decider("p1", "a1"), approval())
		asked, voided := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(voided)
			<-asked
			k.void("tarde de mais")
		}()
		err := k.d.InTx(context.Background(), func(tx *db.Tx) error {
			if _, err := decision.Enough(context.Background(), tx, "one", "s1", 1); err != nil {
				return err
			}
			select {
			case <-asked:
			default:
				close(asked)
			}
			select {
			case <-voided:
				k.t.Error("voided while the intent was being recorded")
			case <-time.After(50 * time.Millisecond): // the other waits for the lock; longer proves no more
			}
			return nil
		})
		if err != nil {
			k.t.Fatal(err)
		}
		<-voided
	})
}

func TestVoidNeedsACaseAndAReason(t *testing.T) {
	each(t, func(k desk) {
		for _, c := range [][2]string{{"", "why"}, {"c1", ""}, {"ceremony/one", "why"}, {"c1", "\x00"}} {
			err := k.d.InTx(k.t.Context(), func(tx *db.Tx) error {
				return decision.Void(k.t.Context(), tx, actor.Machine("one"), c[0], c[1])
			})
			if err == nil {
				k.t.Errorf("%q was voided because %q", c[0], c[1])
			}
		}
	})
}

func TestEveryVerdictHasWords(t *testing.T) {
	for _, v := range []decision.Verdict{
		decision.ProposeApprove, decision.ProposeRefuse, decision.Approve, decision.IntendRefuse, decision.Refuse, decision.Desert, "void", "ceremony",
	} {
		if _, has := i18n.Word("decision.verdict." + string(v)); !has {
			t.Errorf("%s has no words", v)
		}
	}
}
