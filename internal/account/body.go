package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/field"
	"chancela/internal/portal"
)

// ImportRegisters brings the register of every portal to what its definition says: a body that is new, renamed or
// gone from it gets a new version, and nothing is edited or deleted. Done at each start; where nothing changed,
// nothing is written.
func (a *Accounts) ImportRegisters(ctx context.Context) error {
	for _, p := range a.portals.Portals {
		if err := a.importRegister(ctx, p); err != nil {
			return fmt.Errorf("register of %s: %w", p.Name, err)
		}
	}
	return nil
}

func (a *Accounts) importRegister(ctx context.Context, p *portal.Portal) error {
	return a.db.InTx(ctx, func(tx *db.Tx) error {
		if err := enter(ctx, tx, p.Name, "register"); err != nil {
			return err
		}
		stored, err := bodies(ctx, tx, p.Name)
		if err != nil {
			return err
		}
		changed := changesOf(stored, p.Register)
		for _, body := range changed {
			if err := putBody(ctx, tx, p.Name, body); err != nil {
				return err
			}
		}
		if len(changed) == 0 {
			return nil
		}
		return audit.Write(ctx, tx, actor.Machine(p.Name), "register.import", "portal/"+p.Name, audit.With("digest", p.Digest), audit.With("bodies", fmt.Sprint(len(changed))))
	})
}

// changesOf gives the new versions by which what is stored comes to what the register says.
func changesOf(stored []Body, register []portal.Registered) []Body {
	known := map[string]Body{}
	for _, body := range stored {
		known[body.NIPC] = body
	}
	var changed []Body
	for _, one := range register {
		now := Body{NIPC: one.NIPC, Name: one.Name, Acronym: one.Acronym, Kind: one.Kind, Class: one.Class, Domains: one.Domains, Listed: true}
		before, ok := known[one.NIPC]
		delete(known, one.NIPC)
		if now.Version = before.Version + 1; !ok || !before.same(now) {
			changed = append(changed, now)
		}
	}
	for _, gone := range stored {
		if _, left := known[gone.NIPC]; left && gone.Listed {
			gone.Listed, gone.Version = false, gone.Version+1
			changed = append(changed, gone)
		}
	}
	return changed
}

func (b Body) same(other Body) bool {
	return b.Name == other.Name && b.Acronym == other.Acronym && b.Kind == other.Kind && b.Class == other.Class &&
		b.Listed == other.Listed && slices.Equal(b.Domains, other.Domains)
}

// folded is the text by which a body is found: its words behind a space each.
func (b Body) folded() string {
	return " " + strings.Join(words(b.Name+" "+b.Acronym+" "+b.NIPC), " ") + " "
}

// words splits a text as search compares it.
func words(text string) []string {
	return strings.FieldsFunc(field.Fold(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}

// mostFound bounds the answer of a search; mostWords what is looked at of the question.
const (
	mostFound = 20
	mostWords = 8
)

// Search finds bodies of a portal's register whose name, acronym or NIPC holds every word typed, or words that
// begin so. Nothing is found by fewer than three letters: a register is not for leafing through.
func (a *Accounts) Search(ctx context.Context, tx *db.Tx, portalName, typed string) ([]Body, error) {
	asked := words(cut(typed, 200))
	if joined := strings.Join(asked, ""); len(joined) == 9 && strings.Trim(joined, "0123456789") == "" {
		asked = []string{joined} // «590 000 012» is one number
	}
	if len(strings.Join(asked, "")) < 3 {
		return nil, nil
	}
	return searchBodies(ctx, tx, portalName, asked[:min(len(asked), mostWords)])
}

// Bodies is [Accounts.Search] as a look of its own.
func (a *Accounts) Bodies(ctx context.Context, portalName, typed string) (found []Body, err error) {
	err = a.db.Look(ctx, func(tx *db.Tx) error {
		found, err = a.Search(ctx, tx, portalName, typed)
		return err
	})
	return found, err
}

// Registered finds a body in a portal's register as it is now.
func (a *Accounts) Registered(ctx context.Context, tx *db.Tx, portalName, nipc string) (Body, bool, error) {
	body, ok, err := bodyNow(ctx, tx, portalName, nipc)
	return body, ok && body.Listed, err
}

// HasAccount says whether somebody already holds a power for a body, through an account that is not closed.
func (a *Accounts) HasAccount(ctx context.Context, tx *db.Tx, portalName, nipc string) (bool, error) {
	if nipc == "" {
		return false, nil
	}
	return hasAccount(ctx, tx, portalName, nipc)
}

// called gives the version of a body under which a power is granted, and makes one where the name is new. The name
// of a body that is in the register is the register's.
func called(ctx context.Context, tx *db.Tx, portalName, nipc, name string) (Body, error) {
	now, ok, err := bodyNow(ctx, tx, portalName, nipc)
	if err != nil || ok && (now.Listed || name == "" || now.Name == name) {
		return now, err
	}
	// The register may be brought up to date at this moment: one by one, and look again.
	if err := enter(ctx, tx, portalName, "register"); err != nil {
		return Body{}, err
	}
	if now, ok, err = bodyNow(ctx, tx, portalName, nipc); err != nil || ok && now.Listed {
		return now, err
	}
	next := now
	next.NIPC, next.Name, next.Version, next.Class, next.Listed = nipc, name, now.Version+1, "", false
	return next, putBody(ctx, tx, portalName, next)
}

func cut(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "")
	}
	return s
}
