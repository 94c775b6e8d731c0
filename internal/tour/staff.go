package tour

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"chancela/internal/portal"
)

// The names of fields that the face gives to forms of its own.
const (
	userName       = "utilizador"
	inviteeName    = "tecnico-nome"
	inviteeAddress = "tecnico-endereco"
)

// Staff has the first officer come in by the link that the program printed, invite the officers of the script, and
// has each of them come in.
func (p *Player) Staff(ctx context.Context) error {
	if err := p.insist(ctx, func() error { return p.administrator(ctx) }); err != nil {
		return fmt.Errorf("the first officer: %w", err)
	}
	for _, name := range sortedKeys(p.people) {
		w := p.people[name]
		if !w.officer() {
			continue
		}
		for _, step := range []func(context.Context, *person) error{p.invite, p.define, p.signIn} {
			p.doing = doing{}
			if err := p.insist(ctx, func() error { return step(ctx, w) }); err != nil {
				return fmt.Errorf("the officer %s: %w", w.Email, err)
			}
		}
	}
	return nil
}

func (p *Player) administrator(ctx context.Context) error {
	if !p.admin.defined {
		links := p.child.Invited(p.script.Portal)
		if len(links) == 0 {
			return errors.New("the program printed no link of an officer of this portal")
		}
		p.doing = doing{address: links[0], pressed: p.doing.pressed}
		if err := p.define(ctx, p.admin); err != nil {
			return err
		}
	}
	return p.signIn(ctx, p.admin)
}

// invite has the administrator invite an officer of the script on the page of the team.
func (p *Player) invite(ctx context.Context, w *person) error {
	if w.invited {
		return nil
	}
	if err := p.admin.open(ctx, p.path(atTeam)); err != nil {
		return err
	}
	if p.doing.pressed && strings.Contains(p.admin.page.text(), w.Email) {
		w.invited = true // the answer was lost, and it was done
		return nil
	}
	f, ok := p.admin.page.formEnding(atTeam)
	if !ok {
		return errStuck(p.admin.page, "nobody can be invited")
	}
	address, ok := f.field(inviteeAddress)
	name, ok2 := f.field(inviteeName)
	if !ok || !ok2 {
		return errStuck(p.admin.page, "the invitation asks neither name nor address")
	}
	address.value, name.value = w.Email, w.Name
	for _, role := range w.Roles {
		for i, c := range f.controls {
			if c.kind == "checkbox" && c.value == role {
				f.controls[i].on = true
			}
		}
	}
	button, ok := f.button("")
	if !ok {
		return errStuck(p.admin.page, "no button")
	}
	p.doing.pressed = true
	if err := p.admin.send(ctx, f, button); err != nil {
		return err
	}
	if p.admin.page.status != http.StatusOK {
		return errStuck(p.admin.page, "the invitation is refused")
	}
	w.invited = true
	return nil
}

// define defines the password by the single-use link of a mail.
func (p *Player) define(ctx context.Context, w *person) error {
	if w.defined {
		return nil
	}
	place := atInvitation
	if w.officer() || w == p.admin {
		place = atOfficer
	}
	err := p.follow(ctx, w, place, func(f *form) {
		if user, ok := f.field(userName); ok && w.Email == "" {
			w.Email = user.value // the first officer of a portal learns it here
		}
		for i, c := range f.controls {
			if c.kind == "password" {
				f.controls[i].value = w.Password
			}
		}
	})
	w.defined = err == nil
	return err
}

func (p *Player) definePassword(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	return p.define(ctx, w)
}

func (p *Player) enter(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	return p.signIn(ctx, w)
}

// signIn enters user and password, has a code sent by e-mail, and enters it.
func (p *Player) signIn(ctx context.Context, w *person) error {
	if w.inside {
		return nil
	}
	if err := w.open(ctx, p.path("")); err != nil {
		return err
	}
	if f, ok := w.page.formEnding(atEnter); ok {
		if err := p.enterPassword(ctx, w, f); err != nil {
			return err
		}
	}
	for range 4 { // a code to ask for, and one or two to enter
		at := w.page
		if channel, ok := at.formEnding(atChannel); ok && !p.asked(at) {
			if err := p.askCode(ctx, w, channel); err != nil {
				return err
			}
			continue
		}
		f, ok := at.formEnding(atCode)
		if !ok {
			break
		}
		if err := p.enterCode(ctx, w, f); err != nil {
			return err
		}
	}
	if !w.page.signedIn() {
		return errStuck(w.page, "not signed in")
	}
	w.inside = true
	return nil
}

// asked says whether a page already asks for the code that was sent.
func (p *Player) asked(at *page) bool {
	_, ok := at.formEnding(atCode)
	return ok
}

func (p *Player) enterPassword(ctx context.Context, w *person, f *form) error {
	user, ok := f.field(userName)
	password, ok2 := f.firstOf("password")
	button, ok3 := f.button("")
	if !ok || !ok2 || !ok3 {
		return errStuck(w.page, "the sign-in card is not whole")
	}
	if err := p.mail.putAside(w.Email); err != nil {
		return err // the code that comes now is the one, by whichever page it is sent
	}
	user.value, password.value = w.Email, w.Password
	if err := w.send(ctx, f, button); err != nil {
		return err
	}
	if w.page.status != http.StatusOK {
		return errStuck(w.page, "user or password is refused")
	}
	return nil
}

// askCode chooses the first way by which a code can come, which is e-mail.
func (p *Player) askCode(ctx context.Context, w *person, f *form) error {
	if way, ok := f.firstOf("radio"); ok {
		f.choose(way.name, way.value)
	}
	button, ok := f.firstButton()
	if !ok {
		return errStuck(w.page, "no button")
	}
	if err := w.send(ctx, f, button); err != nil {
		return err
	}
	if w.page.status != http.StatusOK {
		return errStuck(w.page, "no code can be sent")
	}
	return nil
}

func (p *Player) enterCode(ctx context.Context, w *person, f *form) error {
	code, err := p.mail.await(ctx, w.Email, "a mail with a code", codeIn)
	if err != nil {
		return err
	}
	field, ok := f.firstOf("text", "tel", "number")
	button, ok2 := f.button("")
	if !ok || !ok2 {
		return errStuck(w.page, "there is no place for the code")
	}
	field.value = code
	if err := w.send(ctx, f, button); err != nil {
		return err
	}
	if w.page.status != http.StatusOK && w.page.status != http.StatusUnprocessableEntity {
		return errStuck(w.page, "the code is refused")
	}
	return nil // refused: an older code came late, after a crash; the page asks again, and the right one is on its way
}
