package casefile

import (
	"sync"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
)

// approvedOrder is a case of a person that two deciders approved.
func (k *kit) approvedOrder(by actor.Actor, first, second actor.Actor) ID {
	k.t.Helper()
	id := k.filed(by, "order", "text", "como antes")
	must(k.t, k.Take(k.ctx, first, id))
	must(k.t, k.Approve(k.ctx, first, id, k.get(id).Revision))
	must(k.t, k.Approve(k.ctx, second, id, k.get(id).Revision))
	return id
}

func TestACaseFollowsAnEarlierOneFilledWithItsAnswers(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, ivo := k.officer("rui@example.pt", actor.Decider), k.officer("ivo@example.pt", actor.Decider)
		ana := k.person(rui)
		earlier := k.approvedOrder(ana, rui, ivo)
		id, err := k.Follow(k.ctx, ana, earlier, i18n.PT)
		must(t, err)
		c := k.get(id)
		if c.State != Draft || c.Follows != earlier || c.Answers.One("text") != "como antes" || c.Answers.One("number") != k.get(earlier).Answers.One("number") {
			t.Fatalf("%+v", c)
		}
		again, err := k.Follow(k.ctx, ana, earlier, i18n.EN)
		if err != nil || again != id {
			t.Fatalf("a second press made another: %v %v", again, err)
		}
		must(t, k.Submit(k.ctx, ana, id))
		if again, err = k.Follow(k.ctx, ana, earlier, i18n.PT); err != nil || again != id {
			t.Fatalf("one that is filed is under way: %v %v", again, err)
		}
		must(t, k.Withdraw(k.ctx, ana, id))
		if again, err = k.Follow(k.ctx, ana, earlier, i18n.PT); err != nil || again == id {
			t.Fatalf("one that was withdrawn stands in the way: %v", err)
		}
	})
}

func TestOnlyOnesOwnApprovedCaseIsFollowed(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, ivo := k.officer("rui@example.pt", actor.Decider), k.officer("ivo@example.pt", actor.Decider)
		ana := k.person(rui)
		earlier := k.approvedOrder(ana, rui, ivo)
		zoe := ana
		zoe.Person, zoe.Account = "nobody", "none"
		for _, by := range []actor.Actor{zoe, rui, actor.Nobody(office)} {
			if _, err := k.Follow(k.ctx, by, earlier, i18n.PT); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", by.Kind, err)
			}
		}
		draft, _, err := k.Begin(k.ctx, ana, "order", i18n.PT)
		must(t, err)
		if _, err := k.Follow(k.ctx, ana, draft, i18n.PT); !fault.Is(err, fault.Conflict) {
			t.Errorf("a draft was followed: %v", err)
		}
		k.deed(func(tx *db.Tx) error {
			_, err := tx.Exec(k.ctx, `UPDATE power SET ended_at = $1, ended_why = 'revoked' WHERE ended_at = ''`, tx.Stamp())
			return err
		})
		if _, err := k.Follow(k.ctx, ana, earlier, i18n.PT); !fault.Is(err, fault.Forbidden) {
			t.Errorf("followed without a power: %v", err)
		}
	})
}

func TestOfSixteenPressesAtOnceOneCaseBegins(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, ivo := k.officer("rui@example.pt", actor.Decider), k.officer("ivo@example.pt", actor.Decider)
		ana := k.person(rui)
		earlier := k.approvedOrder(ana, rui, ivo)
		ids, errs := make([]ID, 16), make([]error, 16)
		var all sync.WaitGroup
		for n := range ids {
			all.Go(func() { ids[n], errs[n] = k.Follow(k.ctx, ana, earlier, i18n.PT) })
		}
		all.Wait()
		for n := range ids {
			if errs[n] != nil || ids[n] != ids[0] || ids[n] == "" {
				t.Errorf("press %d: %q %v", n, ids[n], errs[n])
			}
		}
		if n := k.count(`SELECT COUNT(*) FROM casefile WHERE follows = $1`, string(earlier)); n != 1 {
			t.Errorf("%d cases began", n)
		}
	})
}
