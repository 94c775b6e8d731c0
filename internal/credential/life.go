package credential

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/portal"
)

// move is one of the moves that an officer may make; no other exists.
type move struct {
	from    []State // standings
	to      State
	kind    EventKind
	verb    string
	grounds bool // asks for a reason of the portal's list
	tells   portal.Event
}

// Suspend says that the credential is not to be relied on for now. It can be restored.
func (s *Service) Suspend(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return s.judge(ctx, by, id, g, move{
		from: []State{Valid}, to: Suspended, kind: WasSuspended, verb: "credential.suspend", grounds: true, tells: portal.CredentialSuspended,
	})
}

// Restore lifts a suspension.
func (s *Service) Restore(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return s.judge(ctx, by, id, g, move{from: []State{Suspended}, to: Valid, kind: WasRestored, verb: "credential.restore"})
}

// Revoke ends a credential for good.
func (s *Service) Revoke(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return s.judge(ctx, by, id, g, move{
		from: []State{Valid, Suspended}, to: Revoked, kind: WasRevoked, verb: "credential.revoke", grounds: true, tells: portal.CredentialRevoked,
	})
}

// judge makes a move: asks whether the officer may, adds it to the history, tells the holder.
//
// Whoever asked for the credential, or acts for its body, may not judge it (CPA, art. 69.º).
func (s *Service) judge(ctx context.Context, by actor.Actor, id ID, g Ground, m move) error {
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		r, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := by.MayIn(r.portal, actor.JudgeCredential); err != nil {
			return err
		}
		if err := s.notOwn(ctx, tx, by, r); err != nil {
			return err
		}
		p, ok := s.c.Portals.Portal(r.portal)
		if !ok {
			return fmt.Errorf("portal %s is not served here", r.portal)
		}
		if err := g.check(p, m); err != nil {
			return err
		}
		if !slices.Contains(m.from, r.standing(tx.Now())) {
			return fault.New(fault.Conflict, "credential.not-now")
		}
		return s.moved(ctx, tx, by, p, r, g, m)
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", m.verb, id, err)
	}
	return nil
}

func (s *Service) moved(ctx context.Context, tx *db.Tx, by actor.Actor, p *portal.Portal, r *row, g Ground, m move) error {
	won, err := setState(ctx, tx, r, m.to, "")
	if err != nil {
		return err
	}
	if !won {
		return fault.New(fault.Conflict, "fault.conflict")
	}
	if err := addEvent(ctx, tx, r.id, by, m.kind, g); err != nil {
		return err
	}
	if m.tells != "" {
		if err := s.tell(ctx, tx, p, r, m.tells); err != nil {
			return err
		}
	}
	// The digest of the words: nobody can change them afterwards without its being seen.
	return audit.Write(ctx, tx, by, m.verb, r.object(), audit.With("codes", strings.Join(g.Codes, ",")), audit.With("words", digestOf([]byte(g.Words))))
}

// find reads a credential; one that is not there is a fault NotFound.
func find(ctx context.Context, tx *db.Tx, id ID) (*row, error) {
	r, err := byID(ctx, tx, id)
	if db.None(err) {
		return nil, fault.New(fault.NotFound, "fault.not-found")
	}
	return r, err
}

// notOwn refuses an officer's own. The person is compared, not the account: by who asked for it, by the address that
// they have or had, and by the body that they act for.
func (s *Service) notOwn(ctx context.Context, tx *db.Tx, by actor.Actor, r *row) error {
	acts, err := s.actsFor(ctx, tx, by, r)
	if err != nil {
		return err
	}
	key, err := s.addressKey(ctx, tx, r)
	if err != nil {
		return err
	}
	same, err := s.c.People.IsSame(ctx, tx, r.portal, by.Person, key, "")
	if err != nil {
		return err
	}
	if acts || same || by.Person != "" && by.Person == r.person {
		return fault.New(fault.Forbidden, "credential.own")
	}
	return nil
}

// addressKey is the address of whoever asked for it, in its one canonical form; "" if there is none.
func (s *Service) addressKey(ctx context.Context, tx *db.Tx, r *row) (string, error) {
	to, err := s.recipient(ctx, tx, r)
	if err != nil {
		return "", err
	}
	key, _ := field.CanonicalEmail(to.Address) // without an address, nobody is known by it
	return key, nil
}

// actsFor says whether the actor has a power in force for the credential's body.
func (s *Service) actsFor(ctx context.Context, tx *db.Tx, by actor.Actor, r *row) (bool, error) {
	if r.nipc == "" {
		return false, nil
	}
	bodies, err := s.bodiesOf(ctx, tx, by)
	return slices.Contains(bodies, r.nipc), err
}

// bodiesOf are the numbers of the bodies that a signed-in person acts for now.
func (s *Service) bodiesOf(ctx context.Context, tx *db.Tx, by actor.Actor) ([]string, error) {
	if !by.SignedIn() {
		return nil, nil
	}
	known, err := s.c.People.Known(ctx, tx, by.Portal, by.Person, by.Account)
	if err != nil {
		return nil, err
	}
	var bodies []string
	for _, power := range known.Powers {
		if power.BodyNIPC != "" && power.Runs(tx.Now()) && !slices.Contains(bodies, power.BodyNIPC) {
			bodies = append(bodies, power.BodyNIPC)
		}
	}
	return bodies, nil
}

// Limits of an officer's words about an unfavourable act (CPA, arts. 152.º, 153.º): a code alone is never enough.
const (
	leastWords = 30
	mostWords  = 8000
)

// check tells every problem of what the officer brought.
func (g Ground) check(p *portal.Portal, m move) error {
	var problems []fault.Field
	codes := len(g.Codes) > 0 || !m.grounds
	for i, code := range g.Codes {
		reason, ok := p.Reason(code)
		codes = codes && ok && reason.For == "revoke" && !slices.Contains(g.Codes[:i], code)
	}
	if !codes {
		problems = append(problems, fault.Field{Name: "codes", Key: "E-LST-01"})
	}
	n := utf8.RuneCountInString(strings.TrimSpace(g.Words))
	if n < leastWords || n > mostWords || !utf8.ValidString(g.Words) || strings.ContainsRune(g.Words, 0) {
		problems = append(problems, fault.Field{Name: "words", Key: "E-TXT-01", Args: fault.Args{
			"min": strconv.Itoa(leastWords), "max": strconv.Itoa(mostWords), "n": strconv.Itoa(n),
		}})
	}
	return fault.Fields(problems)
}

// standing is how it stands at the moment: as stored, unless its last day has passed.
func (r *row) standing(now time.Time) State {
	if (r.state == Valid || r.state == Suspended) && now.After(r.until) {
		return Lapsed
	}
	return r.state
}
