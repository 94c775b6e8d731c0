package decision

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
)

// Record adds a decision to the history of a case.
//
// It asks for itself whether the actor may, though the case's deed has asked before: what is written here is all that
// the signing room goes by. It refuses with Conflict if the person approved (refused, declared deserted) the same
// revision and subject already, by whichever account. Whether the case is in the state for it, and whether it is the
// officer's own, the case's deed judges.
func Record(ctx context.Context, tx *db.Tx, by actor.Actor, e Entry) (ID, error) {
	rule, known := rules[e.Verdict]
	if !known || !isCase(e.Case) || e.Revision == "" {
		return "", fmt.Errorf("record decision: verdict %q, case %q, revision %q: not a decision", e.Verdict, e.Case, e.Revision)
	}
	if err := by.MayIn(e.Portal, rule.may); err != nil {
		return "", err
	}
	if by.Person == "" { // an officer whom we cannot tell from another cannot be one of two
		return "", fault.New(fault.Forbidden, "fault.forbidden")
	}
	if err := e.whole(rule); err != nil {
		return "", err
	}
	e.Minutes = ""
	return add(ctx, tx, by, e, 0)
}

// Void makes all that was decided on a case so far worthless for what is issued: the applicant or an officer changed
// what it was decided on, or the case is opened again. It adds a row; nothing is erased. Whoever may change the case
// may void: the case's deed asks.
func Void(ctx context.Context, tx *db.Tx, by actor.Actor, caseID, why string) error {
	if !isCase(caseID) || why == "" {
		return fmt.Errorf("void decisions: case %q, why %q: both are needed", caseID, why)
	}
	if err := writable(why); err != nil {
		return err
	}
	_, err := add(ctx, tx, by, Entry{Portal: by.Portal, Case: caseID, Verdict: voided, Minutes: why}, 1)
	return err
}

// RecordCeremony records that the operator, before those whom the minutes name, approved a key of the beginning: a
// root, an issuer, a responder, a body's seal. The subject is the digest of exactly what shall be signed. Only the
// program itself, at the operator's command, may; Conflict if there was a ceremony for these bytes already.
func RecordCeremony(ctx context.Context, tx *db.Tx, by actor.Actor, portal, subject, minutes string) error {
	if subject == "" || minutes == "" {
		return fmt.Errorf("record ceremony: subject %q: a digest and minutes are needed", subject)
	}
	if err := by.MayIn(portal, actor.RunTheProgram); err != nil {
		return err
	}
	if err := writable(minutes); err != nil {
		return err
	}
	_, err := add(ctx, tx, by, Entry{Portal: portal, Subject: subject, Verdict: ceremony, Minutes: minutes}, 0)
	return err
}

// ceremonies begins the name of the history of a portal's ceremonies; the id of no case has a slash.
const ceremonies = "ceremony/"

func isCase(id string) bool { return id != "" && !strings.Contains(id, "/") }

// add takes the next place in the history, which locks it until the deed is committed, and fills in who and when.
func add(ctx context.Context, tx *db.Tx, by actor.Actor, e Entry, rounds int64) (ID, error) {
	var err error
	history := e.Case
	if e.Verdict == ceremony {
		history = ceremonies + e.Portal
	}
	if e.Number, e.Round, err = next(ctx, tx, history, rounds); err != nil {
		return "", fmt.Errorf("decide on case %s: %w", e.Case, err)
	}
	e.ID, e.At, e.Roles = ID(db.NewID()), tx.Now(), join(by.Roles)
	e.Kind, e.Person, e.Account, e.Session, e.Strength = by.Kind, by.Person, by.Account, by.Session, by.Strength
	added, err := insert(ctx, tx, e)
	if err != nil {
		return "", fmt.Errorf("decide on case %s: %w", e.Case, err)
	}
	if !added {
		return "", fault.New(fault.Conflict, "decision.already")
	}
	return e.ID, nil
}

func join(roles []actor.Role) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// storable says whether both engines give the text back as it was: PostgreSQL refuses NUL and what is not UTF-8.
func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func encode(reasons []Reason) string {
	if len(reasons) == 0 {
		return "[]"
	}
	text, err := json.Marshal(reasons)
	if err != nil { // two texts cannot fail to be written
		return "[]"
	}
	return string(text)
}
