package app

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"

	"chancela/internal/audit"
	"chancela/internal/evidence"
)

// Checked is one line of the check verb.
type Checked struct {
	What, Says string
	Wrong      bool
}

// Check looks at everything that an operator must know of, a line each.
func (a *App) Check(ctx context.Context) []Checked {
	var all []Checked
	note := func(what string, err error, says string) {
		if err != nil {
			says = err.Error()
		}
		all = append(all, Checked{What: what, Says: says, Wrong: err != nil})
	}
	note("database", a.Ready(ctx), string(a.DB.Engine()))
	all = append(all, a.checkAudit(ctx))
	lost := 0
	err := a.Evidence.Check(ctx, func(_ evidence.ID, wrong error) {
		if wrong != nil {
			lost++
		}
	})
	if err == nil && lost > 0 {
		err = fmt.Errorf("%d documents are lost or rotten; restore them from the backup", lost)
	}
	note("documents", err, "every document matches its digest")
	_, err = a.Status.Issuers(ctx)
	note("issuers", err, "certificates are there")
	all = append(all, a.checkKeys(ctx), a.checkNights(ctx), a.checkOwn(ctx), a.checkListing())
	waiting, err := a.Queue.Waiting(ctx)
	note("queue", err, fmt.Sprintf("%d due, %d later", waiting.Due, waiting.Later))
	parked, err := a.Queue.Parked(ctx, 100)
	if err == nil && len(parked) > 0 {
		err = fmt.Errorf("%d jobs were given up; see them before they are forgotten", len(parked))
	}
	note("jobs", err, "none given up")
	note("disk", a.checkDisk(), "enough room")
	for _, p := range a.Portals.Portals {
		says := "complete"
		if len(p.Unset) > 0 {
			says = fmt.Sprintf("%d values to be filled in before real use", len(p.Unset))
		}
		note("portal "+p.Name, nil, says)
	}
	return all
}

func (a *App) checkAudit(ctx context.Context) Checked {
	report, err := audit.Check(ctx, a.DB, a.path("audit"))
	one := Checked{What: "audit", Says: fmt.Sprintf("%d entries, chained and signed", report.Entries)}
	if err != nil {
		return Checked{What: "audit", Says: err.Error(), Wrong: true}
	}
	if !report.Sound() {
		one.Wrong = true
		one.Says = "the record was changed:"
		for _, f := range report.Findings {
			one.Says += " " + f.Say("en")
		}
	}
	return one
}

// leastFree is the room on the disk under which an operator must look.
const leastFree = 256 << 20

func (a *App) checkDisk() error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Clean(a.path()), &fs); err != nil {
		return err
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < leastFree {
		return fmt.Errorf("%d MB free", free>>20)
	}
	return nil
}

// SignAudit signs what a verb that does not serve has added to the record.
func (a *App) SignAudit(ctx context.Context) error {
	_, err := a.Keeper.Sign(ctx)
	return err
}
