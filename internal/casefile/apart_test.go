package casefile

import (
	"testing"

	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Rule 13: where two approvals are asked and the procedure says so, who reviewed is none of the two.
func TestWhoReviewedIsNoneOfThoseWhoApproveWhereTheyAreKeptApart(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva, ivo := k.officer("rui@exemplo.pt", actor.Director, actor.Decider), k.officer("eva@exemplo.pt", actor.Decider), k.officer("ivo@exemplo.pt", actor.Decider)
		id, _, err := k.Begin(k.ctx, actor.Nobody(office), "apart", i18n.PT)
		must(t, err)
		must(t, k.Save(k.ctx, visitor(id), id, portal.Answers{"who": {"Ana Exemplo da Silva"}, "mail": {"ana@exemplo.pt"}}))
		must(t, k.Submit(k.ctx, visitor(id), id))
		k.proves(id)
		must(t, k.Take(k.ctx, rui, id))
		revision := k.get(id).Revision
		second := rui // the same human being by another account
		second.Account, second.Session = "a-second", "s-second"
		for _, by := range []actor.Actor{rui, second} {
			k.untouched(id, fault.Forbidden, "case.reviewed", func() error { return k.Approve(k.ctx, by, id, revision) })
		}
		if r, err := k.Review(k.ctx, rui, id); err != nil || !r.Reviewed {
			t.Errorf("they are not told: %v", err)
		}
		must(t, k.Return(k.ctx, rui, id)) // having given it back, they have reviewed it all the same
		must(t, k.Take(k.ctx, rui, id))
		must(t, k.Approve(k.ctx, eva, id, revision))
		must(t, k.Approve(k.ctx, ivo, id, revision))
		if k.get(id).State != Approved || len(k.made.granted) != 1 {
			t.Errorf("case is %s", k.get(id).State)
		}
	})
}
