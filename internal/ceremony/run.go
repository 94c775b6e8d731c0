package ceremony

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"chancela/internal/ca"
	"chancela/internal/issuance"
	"chancela/internal/issuance/hsm"
)

// Waiting says that the next step needs a file that is not there yet: it comes from another machine.
type Waiting struct{ File string }

// Error says which file is awaited.
func (w *Waiting) Error() string { return "waiting for " + w.File }

// session is one run of a ceremony: what was opened is held in memory until it ends.
type session struct {
	*Dir
	ctx    context.Context //nolint:containedctx // one run is one call of Run
	talk   *Talk
	script *Script
	n      int // of the step under way, from 1
	keys   ca.Keys
	module *hsm.Module
	secret *secret
	people []string // who opened the keys
}

// plan is what a step is about to do: shown first, confirmed by those who are there, then done.
type plan struct {
	shown [][2]string
	act   func() ([][2]string, []fileDigest, error)
}

// Run holds the ceremony, from the first step that is not done. It stops with [*Waiting] where a file from elsewhere is
// needed; whatever ends it, the same call goes on.
func (d *Dir) Run(ctx context.Context, t *Talk, name string) error {
	script, err := d.Script(name)
	if err != nil {
		return err
	}
	s := &session{Dir: d, ctx: ctx, talk: t, script: script}
	defer s.shut()
	t.say("head", "name", name, "body", script.Body, "place", script.Place, "sha", script.digest)
	for i := range script.Steps {
		s.n = i + 1
		if d.record.done(name, s.n) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.step(script.Steps[i]); err != nil {
			return fmt.Errorf("step %d (%s, %s): %w", s.n, script.Steps[i].Do, script.Steps[i].At, err)
		}
	}
	t.say("end", "minutes", d.at(minutesName(name)))
	return nil
}

func (s *session) shut() {
	if s.module != nil {
		_ = s.module.Close()
	}
}

func (s *session) crash(point string) { s.o.Crash("ceremony." + point) }

// step shows, has confirmed, does and records.
func (s *session) step(one Step) error {
	s.talk.line("")
	s.talk.say("step", "n", strconv.Itoa(s.n), "total", strconv.Itoa(len(s.script.Steps)))
	s.talk.say("do."+one.Do, "of", one.Of, "by", one.By)
	p, err := s.plan(one)
	if err != nil {
		return s.refused(one, err)
	}
	s.show(p.shown)
	people, err := s.confirmed()
	if err != nil {
		return err
	}
	s.crash(strconv.Itoa(s.n) + ".confirmed")
	made, files, err := p.act()
	if err != nil {
		return s.refused(one, err)
	}
	s.crash(strconv.Itoa(s.n) + ".acted")
	s.show(made)
	if one.Do == doClose { // it wrote its own end, which the minutes hold
		return nil
	}
	facts := map[string]string{"do": one.Do}
	for _, f := range append(p.shown, made...) {
		facts[f[0]] = f[1]
	}
	err = s.note(entry{What: didStep, Subject: one.Of, Facts: facts, People: people, Files: files})
	s.crash(strconv.Itoa(s.n) + ".done")
	return err
}

// refused puts on record that a step was tried and what stopped it: the minutes tell that too.
func (s *session) refused(one Step, err error) error {
	var waits *Waiting
	if errors.As(err, &waits) || errors.Is(err, errSilent) || s.ctx.Err() != nil {
		return err
	}
	return errors.Join(err, s.note(entry{What: didFail, Subject: one.Of, Facts: map[string]string{"do": one.Do, "why": err.Error()}}))
}

func (s *session) note(e entry) error {
	e.Ceremony, e.Step, e.At = s.script.Name, s.n, s.o.Now()
	if e.What != didBegin {
		if _, begun := s.record.begun(s.script.Name); !begun {
			return nil // what never began has no record
		}
	}
	return s.record.add(e)
}

func (s *session) show(lines [][2]string) {
	for _, l := range lines {
		s.talk.line("  " + s.talk.words("fact."+l[0]) + ": " + l[1])
	}
}

// confirmed has the administrators, witnesses and auditors say that they see what is shown.
func (s *session) confirmed() ([]string, error) {
	var all []string
	for _, role := range []string{administrator, witness, auditor} {
		for _, p := range s.script.named(role) {
			if err := s.talk.confirm(p); err != nil {
				return nil, err
			}
			all = append(all, p.Name)
		}
	}
	return all, nil
}

func (s *session) plan(one Step) (plan, error) {
	switch one.Do {
	case doConvene:
		return s.convene()
	case doCustody:
		return s.share()
	case doKey:
		return s.makeKeys(one)
	case doRequest:
		return s.request(one)
	case doCertify:
		return s.certify(one)
	case doTake:
		return s.take(one)
	case doRevoke:
		return s.revoke(one)
	case doList:
		return s.list(one)
	case doTakeList:
		return s.takeList(one)
	case doEnd:
		return s.end(one)
	case doDestroy:
		return s.destroy(one)
	case doClose:
		return s.close()
	}
	return plan{}, fmt.Errorf("no such step: %s", one.Do)
}

// open has custodians open the keys, once a run, and says who did.
func (s *session) open() error {
	if s.keys != nil {
		return nil
	}
	c, there, err := s.custody()
	if err != nil {
		return err
	}
	if !there {
		return errors.New("nobody keeps the keys yet; the step custody comes first")
	}
	secret, people, err := s.activate(s.talk, c)
	if err != nil {
		return err
	}
	if err := s.use(secret); err != nil {
		return err
	}
	s.people = people
	return s.note(entry{What: didActivate, People: people})
}

// use opens the key store with the secret.
func (s *session) use(secret secret) error {
	s.secret = &secret
	if s.script.Keys.Kind == inModule {
		return s.openModule(secret)
	}
	phrase, err := secret.passphrase()
	if err != nil {
		return err
	}
	// The passphrase has 256 random bits and needs no stretching.
	s.keys = ca.FileKeys{Dir: s.at(keysDir), Passphrase: issuance.NewPassphrase(phrase, issuance.CostRandom())}
	return nil
}

func (s *session) openModule(secret secret) error {
	data, err := readFile(s.at(pinFile))
	if err != nil {
		return err
	}
	pin, err := secret.openPIN(data)
	if err != nil {
		return err
	}
	return s.login(pin)
}

func (s *session) login(pin string) error {
	k := s.script.Keys
	m, err := hsm.New(hsm.Config{Library: k.Library, Token: k.Token, Serial: k.Serial, PIN: pin})
	if err != nil {
		return fmt.Errorf("keys.pkcs11_library: %w", err)
	}
	if h := m.Test(s.ctx); h.Err != nil { // a wrong PIN is found before anything stands on it
		return errors.Join(fmt.Errorf("the token does not open: %w", h.Err), m.Close())
	}
	s.module, s.keys = m, m
	return nil
}

// activate asks custodians for their passphrases until enough shares are open.
func (d *Dir) activate(t *Talk, c custody) (secret, []string, error) {
	t.say("activate", "needed", strconv.Itoa(c.Needed), "of", strconv.Itoa(len(c.Holders)))
	o := opening{dir: d, talk: t, custody: c}
	for i, h := range c.Holders {
		if len(o.people) == c.Needed {
			break
		}
		if left := len(c.Holders) - i; len(o.people)+left < c.Needed {
			break // those who are left would not be enough
		}
		if err := o.ask(h); err != nil {
			return secret{}, nil, err
		}
	}
	if len(o.people) < c.Needed {
		return secret{}, nil, fmt.Errorf("%d of %d custodians are needed, and %d opened their shares; the keys stay shut", c.Needed, len(c.Holders), len(o.people))
	}
	recovered, err := c.recover(slices.Clone(o.shares))
	return recovered, o.people, err
}
