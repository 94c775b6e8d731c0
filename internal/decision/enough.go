package decision

import (
	"context"
	"fmt"
	"slices"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// Of is the whole history of a case, oldest first, voids included.
func Of(ctx context.Context, tx *db.Tx, caseID string) ([]Entry, error) {
	entries, err := history(ctx, tx, caseID)
	if err != nil {
		return nil, fmt.Errorf("decisions on case %s: %w", caseID, err)
	}
	return entries, nil
}

// Standing is what was decided on a revision of a case and was not voided since, oldest first.
func Standing(ctx context.Context, tx *db.Tx, caseID, revision string) ([]Entry, error) {
	entries, err := Of(ctx, tx, caseID)
	if err != nil {
		return nil, err
	}
	last := slices.IndexFunc(reversed(entries), func(e Entry) bool { return e.Verdict == voided })
	if last >= 0 {
		entries = entries[len(entries)-last:]
	}
	return slices.DeleteFunc(entries, func(e Entry) bool { return e.Revision != revision }), nil
}

func reversed(entries []Entry) []Entry {
	back := slices.Clone(entries)
	slices.Reverse(back)
	return back
}

// People lists the different people who gave a verdict among the entries, in order: what a case that issues nothing
// counts its approvals by.
func People(entries []Entry, v Verdict) []actor.PersonID {
	var people []actor.PersonID
	for _, e := range entries {
		if e.Verdict == v && e.Person != "" && !slices.Contains(people, e.Person) {
			people = append(people, e.Person)
		}
	}
	return people
}

// Find is one decision.
func Find(ctx context.Context, tx *db.Tx, id ID) (Entry, error) {
	e, err := byID(ctx, tx, id)
	if db.None(err) {
		return Entry{}, fault.New(fault.NotFound, "fault.not-found")
	}
	if err != nil {
		return Entry{}, fmt.Errorf("find decision %s: %w", id, err)
	}
	return e, nil
}

// ApproversOf lists the approvals of exactly these bytes that stand, one a person. All are of one case and one
// revision of it: approvals of two cases do not add up, though the same were to be issued. A case that was refused or
// declared deserted since has none. If several cases were approved, it is the one with most people, then the first.
func ApproversOf(ctx context.Context, tx *db.Tx, portal, subject string) ([]Entry, error) {
	if subject == "" {
		return nil, nil // approvals that issue nothing approve no bytes
	}
	approvals, err := approvalsOf(ctx, tx, portal, subject)
	if err != nil {
		return nil, fmt.Errorf("approvals of %s: %w", subject, err)
	}
	type decided struct{ caseID, revision string }
	var order []decided
	groups := map[decided][]Entry{}
	for _, e := range approvals {
		on := decided{e.Case, e.Revision}
		if _, known := groups[on]; !known {
			order = append(order, on)
		}
		if !hasPerson(groups[on], e.Person) {
			groups[on] = append(groups[on], e)
		}
	}
	var best []Entry
	for _, on := range order {
		if len(groups[on]) > len(best) {
			best = groups[on]
		}
	}
	return best, nil
}

// heldApprovers lists the approvals again once their case is locked: they may have been voided while we waited.
func heldApprovers(ctx context.Context, tx *db.Tx, portal, subject string) ([]Entry, error) {
	first, err := ApproversOf(ctx, tx, portal, subject)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	if err := hold(ctx, tx, first[0].Case); err != nil {
		return nil, fmt.Errorf("hold case %s: %w", first[0].Case, err)
	}
	again, err := ApproversOf(ctx, tx, portal, subject)
	if err != nil || len(again) == 0 || again[0].Case != first[0].Case {
		return nil, err // another case's approvals are not held: the next try finds them first
	}
	return again, nil
}

func hasPerson(entries []Entry, person actor.PersonID) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.Person == person })
}

// Enough gives the ids of the approvals by which exactly these bytes may be signed: those of at least quorum
// different people, or that of a ceremony. It refuses with Forbidden if there are not enough, and takes no quorum
// below one. The room that signs calls it in the transaction that records its intent to sign; until that is committed
// nobody can void what it was given. It locks, so it is no look: pages ask [ApproversOf].
func Enough(ctx context.Context, tx *db.Tx, portal, subject string, quorum int) ([]ID, error) {
	if quorum < 1 || subject == "" {
		return nil, fmt.Errorf("enough for %q: a quorum of %d approves nothing", subject, quorum)
	}
	held, err := ceremonyOf(ctx, tx, portal, subject)
	if err == nil {
		return []ID{held}, nil
	}
	if !db.None(err) {
		return nil, fmt.Errorf("ceremony of %s: %w", subject, err)
	}
	approvals, err := heldApprovers(ctx, tx, portal, subject)
	if err != nil {
		return nil, err
	}
	if len(approvals) < quorum {
		return nil, fault.New(fault.Forbidden, "decision.not-enough", "has", number(int64(len(approvals))), "needs", number(int64(quorum)))
	}
	ids := make([]ID, len(approvals))
	for i, e := range approvals {
		ids[i] = e.ID
	}
	return ids, nil
}

// EnoughOn is [Enough] for what a case asked for: only approvals of that case count, and no ceremony does. It locks the
// case's history first and reads once, so it is the way of all that is issued often.
func EnoughOn(ctx context.Context, tx *db.Tx, portal, caseID, subject string, quorum int) ([]ID, error) {
	if quorum < 1 || subject == "" || !isCase(caseID) {
		return nil, fmt.Errorf("enough for %q on case %q: a quorum of %d approves nothing", subject, caseID, quorum)
	}
	if err := hold(ctx, tx, caseID); err != nil {
		return nil, fmt.Errorf("hold case %s: %w", caseID, err)
	}
	all, err := approvalsOf(ctx, tx, portal, subject)
	if err != nil {
		return nil, fmt.Errorf("approvals of %s: %w", subject, err)
	}
	revisions := map[string][]Entry{}
	var best []Entry
	for _, e := range all {
		if e.Case != caseID || hasPerson(revisions[e.Revision], e.Person) {
			continue
		}
		revisions[e.Revision] = append(revisions[e.Revision], e)
		if len(revisions[e.Revision]) > len(best) {
			best = revisions[e.Revision]
		}
	}
	if len(best) < quorum {
		return nil, fault.New(fault.Forbidden, "decision.not-enough", "has", number(int64(len(best))), "needs", number(int64(quorum)))
	}
	ids := make([]ID, len(best))
	for i, e := range best {
		ids[i] = e.ID
	}
	return ids, nil
}
