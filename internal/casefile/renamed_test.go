package casefile

import (
	"io/fs"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/i18n"
	"chancela/internal/portal"
	"chancela/internal/portal/portaltest"
	"chancela/portals"
)

func TestARenamedCopyOfEachPortalLetsItsApplicantIn(t *testing.T) {
	names, err := fs.ReadDir(portals.Files, ".")
	must(t, err)
	for _, entry := range names {
		if !entry.IsDir() {
			continue
		}
		dir, err := fs.Sub(portals.Files, entry.Name())
		must(t, err)
		renamed, err := portaltest.Renamed(dir)
		must(t, err)
		t.Run(entry.Name(), func(t *testing.T) {
			eachOf(t, []string{office}, renamed, func(t *testing.T, k *kit) { k.playsAccess() })
		})
	}
}

// playsAccess files what the tour of the portal files first, and lets the applicant in.
func (k *kit) playsAccess() {
	t := k.t
	t.Helper()
	rui := k.officer("tecnico@exemplo.pt", actor.Director, actor.Decider)
	var act portal.TourAct
	for _, one := range k.portal.Tour.Acts {
		if one.Procedure == k.portal.Entry {
			act = one
			break
		}
	}
	id, _, err := k.Begin(k.ctx, actor.Nobody(office), k.portal.Entry, i18n.PT)
	must(t, err)
	must(t, k.Save(k.ctx, visitor(id), id, act.Answers))
	for slot := range act.Files {
		must(t, k.attach(visitor(id), id, slot, slot))
	}
	must(t, k.Submit(k.ctx, visitor(id), id))
	k.proves(id)
	must(t, k.Take(k.ctx, rui, id))
	r, err := k.Review(k.ctx, rui, id)
	if must(t, err); len(r.Proposal.Problems) > 0 || len(r.Documents) != len(act.Files) {
		t.Fatalf("problems %v, %d documents", r.Proposal.Problems, len(r.Documents))
	}
	must(t, k.Approve(k.ctx, rui, id, r.Revision))
	c := k.get(id)
	if c.State != Approved || c.Applicant != k.portal.Tour.People[act.As].Name || c.BodyNIPC == "" || c.BodyName == "" {
		t.Errorf("case is %s of %q for %s %s", c.State, c.Applicant, c.BodyNIPC, c.BodyName)
	}
	if one := k.account(office, c.Address, "applicant"); one.Name != c.Applicant {
		t.Errorf("account is %+v", one)
	}
	if n := k.count(`SELECT count(*) FROM power`); n == 0 {
		t.Error("no power was granted")
	}
}
