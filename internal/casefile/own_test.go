package casefile

import (
	"testing"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
)

func TestWhoWasLetInFindsTheirOwnAskingAndNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		rui := k.officer("rui@exemplo.pt", actor.Director, actor.Decider)
		access := k.inReview(rui)
		must(t, k.Approve(k.ctx, rui, access, k.get(access).Revision))
		one := k.account(office, "ana@exemplo.pt", "applicant")
		k.deed(func(tx *db.Tx) error { return k.accounts.Activate(k.ctx, tx, actor.Nobody(office), one) })
		ana := actor.Actor{Kind: actor.Person, Portal: office, Person: one.Person, Account: one.ID, Session: "s1", Strength: actor.ByCode}
		ze := k.person(rui, "mail", "ze@exemplo.pt", "who", "Zé Outro Exemplo", "number", "590000020")
		other := k.proven("number", "590000136") // at the same address, but not what let her in
		cases, err := k.Mine(k.ctx, ana)
		if must(t, err); len(cases) != 1 || cases[0].ID != access {
			t.Errorf("her cases are %v", cases)
		}
		if v, err := k.Open(k.ctx, ana, access); err != nil || v.Number == "" || len(v.Decisions) != 1 {
			t.Errorf("she does not read it: %v", err)
		}
		stolen := ana // her person, by an account that is another's
		stolen.Account = ze.Account
		elsewhere := ana
		elsewhere.Portal = "two"
		for name, deed := range map[string]func() error{
			"another person":            func() error { _, err := k.Open(k.ctx, ze, access); return err },
			"another account":           func() error { _, err := k.Open(k.ctx, stolen, access); return err },
			"another portal":            func() error { _, err := k.Open(k.ctx, elsewhere, access); return err },
			"another case, her address": func() error { _, err := k.Open(k.ctx, ana, other); return err },
			"a deed":                    func() error { return k.Withdraw(k.ctx, ana, access) },
		} {
			if err := deed(); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
