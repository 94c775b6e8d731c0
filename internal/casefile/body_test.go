package casefile

import (
	"testing"

	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/i18n"
)

func TestWhoHasPowersForTwoBodiesSaysForWhich(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		ana := k.person(rui)
		if id, _, err := k.Begin(k.ctx, ana, "order", i18n.PT); err != nil || k.get(id).BodyNIPC != "590000012" {
			t.Errorf("her only body is not the one: %v", err)
		}
		second := k.inReview(rui, "number", "590000020", "called", "Direção-Geral Suspensa")
		must(t, k.Approve(k.ctx, rui, second, k.get(second).Revision))
		drafts := k.count(`SELECT count(*) FROM casefile`)
		_, _, err := k.Begin(k.ctx, ana, "order", i18n.PT)
		refused(t, err, fault.Invalid, BodyField+" case.which-body")
		_, _, err = k.BeginFor(k.ctx, ana, "order", i18n.PT, "501192295")
		refused(t, err, fault.Forbidden, "case.no-power")
		if n := k.count(`SELECT count(*) FROM casefile`); n != drafts {
			t.Error("a draft was begun for no body")
		}
		for _, nipc := range []string{"590000012", "590000020"} {
			id, _, err := k.BeginFor(k.ctx, ana, "order", i18n.PT, nipc)
			if must(t, err); k.get(id).BodyNIPC != nipc || k.get(id).Answers.One("number") != nipc {
				t.Errorf("begun for %s: %+v", nipc, k.get(id))
			}
		}
	})
}
