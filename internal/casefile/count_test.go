package casefile

import (
	"testing"

	"chancela/internal/actor"
	"chancela/internal/fault"
)

func TestTheQueueIsCountedByStateAndPerson(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui, eva := k.officer("rui@exemplo.pt", actor.Decider), k.officer("eva@exemplo.pt", actor.Decider)
		k.inReview(rui)
		k.proven("mail", "ze@exemplo.pt")
		k.submitted("mail", "eva.exemplo@exemplo.pt")
		done := k.inReview(rui, "mail", "outra@exemplo.pt", "number", "590000020")
		must(t, k.Approve(k.ctx, rui, done, k.get(done).Revision))
		for by, mine := range map[string]int{"rui": 1, "eva": 0} {
			who := map[string]actor.Actor{"rui": rui, "eva": eva}[by]
			c, err := k.Counts(k.ctx, who)
			must(t, err)
			if c.Mine != mine || c.Of(nil) != 2 || c.Of([]State{Proven}) != 1 || c.Of([]State{InReview}) != 1 || c.Of([]State{Approved}) != 0 {
				t.Errorf("%s counts %+v", by, c)
			}
		}
		if _, err := k.Counts(k.ctx, k.person(rui, "mail", "ana.outra@exemplo.pt", "number", "590000136")); !fault.Is(err, fault.Forbidden) {
			t.Errorf("an applicant counts: %v", err)
		}
		if c, _ := k.Counts(k.ctx, k.officerIn("two", "rui@exemplo.pt", actor.Decider)); c.Of(nil) != 0 {
			t.Error("cases of another portal are counted")
		}
	})
}
