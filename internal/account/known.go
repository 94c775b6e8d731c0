package account

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Known is what is known of a signed-in person: who they are, and what they may ask for.
type Known struct {
	Person     actor.PersonID
	Account    actor.AccountID
	Name       string
	Address    string
	AddressKey string
	Telephone  string
	Mobile     string
	Lang       i18n.Lang
	Since      time.Time // first came in
	MadeBy     string    // number of the case that made this account, as people read it
	Powers     []Power   // neither revoked nor replaced; see [Power.Runs]
}

// Known looks up a person by one of their accounts.
func (a *Accounts) Known(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID, account actor.AccountID) (Known, error) {
	one, err := byID(ctx, tx, account)
	if err != nil {
		return Known{}, fmt.Errorf("known person %s: %w", person, err)
	}
	if one.Portal != portalName || one.Person != person {
		return Known{}, fault.New(fault.NotFound, "fault.not-found")
	}
	powers, err := powersOf(ctx, tx, person)
	if err != nil {
		return Known{}, fmt.Errorf("known person %s: %w", person, err)
	}
	return Known{
		Person: person, Account: account, Name: one.Name, Address: one.Address, AddressKey: one.AddressKey, Telephone: one.Telephone,
		Mobile: one.Mobile, Lang: one.Lang, Since: one.ActivatedAt, MadeBy: one.CaseNumber, Powers: powers,
	}, nil
}

// MemberAt is the person of an applicant's active account at that address who holds a running power for the body; "" for
// nobody.
func (a *Accounts) MemberAt(ctx context.Context, tx *db.Tx, portalName, address, nipc string) (actor.PersonID, error) {
	key, ok := field.CanonicalEmail(address)
	if !ok || nipc == "" {
		return "", nil
	}
	at, err := byAddress(ctx, tx, portalName, key)
	if err != nil {
		return "", fmt.Errorf("member of body at an address: %w", err)
	}
	for _, one := range at {
		if one.Kind != Applicant || one.State != Active {
			continue
		}
		powers, err := powersOf(ctx, tx, one.Person)
		if err != nil {
			return "", fmt.Errorf("member of body at an address: %w", err)
		}
		if slices.ContainsFunc(powers, func(p Power) bool { return p.BodyNIPC == nipc && p.Runs(tx.Now()) }) {
			return one.Person, nil
		}
	}
	return "", nil
}

// Holds says whether a person has a power in force for a body that may still have what it opens: what is issued without
// anybody's being there asks it each time (ETSI EN 319 411-1, REG-6.3.1-00B: right at the moment of issue).
func (a *Accounts) Holds(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID, power, nipc string) (bool, error) {
	if person == "" || power == "" || nipc == "" {
		return false, nil
	}
	holds, err := holds(ctx, tx, portalName, person, power, nipc)
	if err != nil {
		return false, fmt.Errorf("power of person %s: %w", person, err)
	}
	return holds, nil
}

// BodiesFor lists the bodies on whose behalf a procedure may be filed, in the order in which the powers were granted:
// one power in force for each, that of oneself with no body; none where they hold no power that opens it.
func (k Known) BodiesFor(p *portal.Portal, procedureKey string, now time.Time) []Power {
	var bodies []Power
	for _, power := range k.Powers {
		defined, ok := p.Power(power.Key)
		opens := ok && power.Runs(now) && slices.Contains(defined.Opens, procedureKey)
		if opens && !slices.ContainsFunc(bodies, func(one Power) bool { return one.BodyNIPC == power.BodyNIPC }) {
			bodies = append(bodies, power)
		}
	}
	return bodies
}

// Answer gives what is known for a form's field of a role, for somebody who asks on behalf of the body given; "" for
// what is not known. A civil number is never given.
func (k Known) Answer(role portal.Role, bodyNIPC, bodyName string) string {
	given, surnames := SplitName(k.Name)
	switch role {
	case portal.ApplicantName, portal.ShownName:
		return k.Name
	case portal.GivenNames:
		return given
	case portal.Surnames:
		return surnames
	case portal.Address, portal.TechnicalMail:
		return k.Address
	case portal.Telephone:
		return firstOf(k.Telephone, k.Mobile)
	case portal.MobilePhone:
		return k.Mobile
	case portal.Language:
		return string(k.Lang)
	case portal.BodyPick, portal.BodyNumber:
		return bodyNIPC
	case portal.BodyName:
		return bodyName
	}
	return k.ofOffice(role, bodyNIPC)
}

// ofOffice answers from the first power for the body that says it.
func (k Known) ofOffice(role portal.Role, bodyNIPC string) string {
	for _, power := range k.Powers {
		if power.BodyNIPC != bodyNIPC {
			continue
		}
		if value := power.answer(role); value != "" {
			return value
		}
	}
	return ""
}

func (p Power) answer(role portal.Role) string {
	switch role {
	case portal.Position:
		return p.Position
	case portal.Unit:
		return p.Unit
	case portal.Locality:
		return p.Locality
	case portal.Until:
		if !p.Until.IsZero() {
			// A power ends at the last moment of its last day.
			return p.Until.In(i18n.Lisbon()).Format(time.DateOnly)
		}
	}
	return ""
}

// particles join parts of Portuguese surnames.
const particles = " de da do das dos e "

// secondNames are given names that often stand second, folded: with one of them, two names are given ones.
const secondNames = " maria jose joao ana luis luisa paulo paula pedro miguel manuel antonio carlos cristina isabel teresa margarida " +
	"sofia ines beatriz rita filipe filipa francisco jorge alexandre alexandra fernanda fernando helena alberto henrique nuno rui " +
	"catarina raquel sara marta vicente afonso duarte tomas gabriel rafael guilherme eduardo eduarda augusto joaquim clara lucia " +
	"conceicao gorete goreti fatima lurdes ceu graca adelaide amelia "

// SplitName parts a full name in given names and surnames, as a suggestion that the person can mend: the first name,
// the second where it is a usual given name and another follows, then surnames with their particles.
func SplitName(full string) (given, surnames string) {
	words := strings.Fields(full)
	if len(words) < 2 {
		return full, ""
	}
	at := 1
	if len(words) > 2 && strings.Contains(secondNames, " "+field.Fold(words[1])+" ") {
		at = 2
	}
	// «Maria da Conceição Silva»: a particle and a given name after it belong together.
	if len(words) > 3 && isParticle(words[1]) && strings.Contains(secondNames, " "+field.Fold(words[2])+" ") {
		at = 3
	}
	return strings.Join(words[:at], " "), strings.Join(words[at:], " ")
}

func isParticle(word string) bool { return strings.Contains(particles, " "+field.Fold(word)+" ") }

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
