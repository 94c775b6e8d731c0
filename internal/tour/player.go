package tour

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// Player plays the script of one portal. Every act can be played again after the instance was killed in its middle:
// it looks at what is there, as a person would, and goes on from that.
type Player struct {
	child     *Child
	script    Script
	artefacts string
	mail      *mailbox
	people    map[string]*person
	admin     *person

	doing     doing
	filing    int    // 1 + the act whose form is being filled in; 0 for none
	beganAt   string // where its draft is
	again     bool   // the draft was interrupted by a crash, and may hold what is about to be sent once more
	caseID    string // of the case at hand
	applicant *person
	issued    *issued
	keys      map[string]keyRequest // by field, of the case at hand
}

// person is somebody of the script with their browser.
type person struct {
	portal.TourPerson
	*browser
	invited bool // an officer: by the administrator
	defined bool // has defined a password
	inside  bool // has signed in
}

// officer says whether the script gives the person a role.
func (w *person) officer() bool { return len(w.Roles) > 0 }

// The ends of addresses by which the player knows where it is. They are the face's own, and the same in all portals.
const (
	atReceipt    = "/recibo"
	atSubmit     = "/submeter"
	atCases      = "/processos/"
	atOfficers   = "/tecnico/"
	atProof      = "/confirmar/"
	atInvitation = "/definir/"
	atOfficer    = "/tecnico/convite/"
	atTeam       = "tecnico/equipa"
	atArea       = "area"
	atVerify     = "/verificar/"
	atEnter      = "/entrar"
	atChannel    = "/entrar/canal"
	atCode       = "/entrar/codigo"
	atLeave      = "/sair"
)

// mailedWithin is how long a mail may take: after a crash, one that had failed once waits until the queue has a leader
// again.
const mailedWithin = 90 * time.Second

// NewPlayer begins the tour of a portal; artefacts is where what is downloaded and judged is put.
func NewPlayer(child *Child, script Script, artefacts string) (*Player, error) {
	p := &Player{
		child: child, script: script, artefacts: filepath.Join(artefacts, script.Portal), people: map[string]*person{}, keys: map[string]keyRequest{},
		mail: &mailbox{dir: filepath.Join(child.Data, "outbox", "mail"), opened: map[string]bool{}, wait: mailedWithin, ended: child.Ended},
	}
	for name, one := range script.People {
		w, err := p.newPerson(one)
		if err != nil {
			return nil, err
		}
		p.people[name] = w
	}
	var err error
	p.admin, err = p.newPerson(portal.TourPerson{Password: "a frase da primeira pessoa que administra este portal"})
	if err != nil {
		return nil, err
	}
	return p, os.MkdirAll(p.artefacts, 0o700)
}

func (p *Player) newPerson(one portal.TourPerson) (*person, error) {
	b, err := newBrowser(p.child.Base, string(i18n.PT))
	return &person{TourPerson: one, browser: b}, err
}

// Acts is how many acts the script has.
func (p *Player) Acts() int { return len(p.script.Acts) }

// Says is the line of an act.
func (p *Player) Says(i int) string { return p.script.Acts[i].Says.PT }

// path gives an address of the portal.
func (p *Player) path(parts ...string) string {
	return "/" + p.script.Portal + "/" + strings.Join(parts, "/")
}

// Act plays one act of the script.
func (p *Player) Act(ctx context.Context, i int) error {
	act := p.script.Acts[i]
	w := p.people[act.As]
	if w == nil && act.As != "" {
		return fmt.Errorf("nobody of the script is called %q", act.As)
	}
	move, ok := p.moves()[act.Do]
	if !ok {
		return fmt.Errorf("there is no move %q; expected one of %s", act.Do, strings.Join(sortedKeys(p.moves()), ", "))
	}
	if w == nil {
		w = p.applicant // somebody has to look; it takes no account
	}
	if w == nil {
		return errors.New("nobody has filed anything yet")
	}
	p.doing = doing{}
	return p.insist(ctx, func() error { return move(ctx, i, act, w) })
}

// doing is what a crash in the middle of an act must not make forgotten.
type doing struct {
	address string // of the mailed link at hand
	pressed bool   // a button was pressed, whether or not an answer came
}

// insist does something again while its answer is lost and the instance comes back. Where nobody brings it back, a
// lost answer is an error like any other.
func (p *Player) insist(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || !errors.Is(err, errLost) || p.child.Revive == nil {
			return err
		}
		if err := p.child.Revive(ctx); err != nil {
			return err
		}
		for _, b := range p.browsers() {
			if err := b.sawAgain(ctx); err != nil && !errors.Is(err, errLost) {
				return err
			}
		}
	}
}

func (p *Player) browsers() []*browser {
	all := []*browser{p.admin.browser}
	for _, name := range sortedKeys(p.people) {
		all = append(all, p.people[name].browser)
	}
	return all
}

type move func(ctx context.Context, i int, act portal.TourAct, w *person) error

// moves are all that a script can ask for.
func (p *Player) moves() map[string]move {
	return map[string]move{
		"file": p.file, "prove": p.prove, "approve": p.approve, "define-password": p.definePassword, "enter": p.enter, "identity": p.identity,
		"download": p.download, "accept": p.accept, "revoke": p.revoke, "verify": p.verify, "openssl": p.judged(p.openssl), "pdf": p.judged(p.pdf),
		"token": p.token,
	}
}

// errStuck says that a page did not let a person go on.
func errStuck(at *page, why string) error {
	return fmt.Errorf("%s at %s (status %d): %q", why, at.at.Path, at.status, at.problems())
}

// file fills in a form from its first step to its receipt.
func (p *Player) file(ctx context.Context, i int, act portal.TourAct, w *person) error {
	files, err := p.bring(act, w)
	if err != nil {
		return err
	}
	if err := p.begin(ctx, i, act, w); err != nil {
		return err
	}
	answered := map[string]bool{}
	for range 60 {
		at := w.page
		if id := caseIn(at.at.Path); id != "" {
			p.caseID, p.beganAt = id, at.at.String()
		}
		if strings.HasSuffix(at.at.Path, atReceipt) && at.status == http.StatusOK {
			p.applicant, p.filing, p.issued = w, 0, nil
			return nil
		}
		if p.again && p.caseID != "" && at.at.Path == p.path("processos", p.caseID) && at.status == http.StatusOK {
			// The crash lost the answer and not what was sent: the draft is a case, whose page may have forms of its own.
			if err := w.open(ctx, at.at.Path+atReceipt); err != nil {
				return err
			}
			continue
		}
		if at.status != http.StatusOK && at.status != http.StatusUnprocessableEntity {
			return errStuck(at, "the form cannot be gone on with")
		}
		if err := p.onward(ctx, w, act.Answers, files, answered); err != nil {
			return err
		}
	}
	return errStuck(w.page, "the form never ends")
}

// begin opens the form, or the draft that a crash interrupted.
func (p *Player) begin(ctx context.Context, i int, act portal.TourAct, w *person) error {
	if p.filing == i+1 && p.beganAt != "" {
		p.again = true
		return w.open(ctx, p.beganAt)
	}
	p.filing, p.beganAt, p.caseID, p.again = i+1, "", "", false
	return w.open(ctx, p.path("novo", act.Procedure))
}

// onward fills in what a page asks for and presses its button; a page that comes back with nothing new to answer is
// the end of the way.
func (p *Player) onward(ctx context.Context, w *person, answers map[string][]string, files map[string][]upload, answered map[string]bool) error {
	f, ok := w.page.form("")
	if !ok {
		return errStuck(w.page, "no form")
	}
	names, before := f.fill(answers, files)
	came := false
	for _, name := range names {
		came = came || !answered[w.page.at.Path+" "+name]
		answered[w.page.at.Path+" "+name] = true
	}
	if w.page.status == http.StatusUnprocessableEntity && !came && before == "" {
		if !p.again {
			return errStuck(w.page, "the form is refused")
		}
		p.again = false // once: a file is refused when the crash lost the answer and not the file, and is not sent now
	}
	for name := range files {
		if slices.Contains(names, name) && w.page.status != http.StatusUnprocessableEntity && f.enctype != "" {
			defer delete(files, name) // sent once; the draft keeps it
		}
	}
	button, ok := f.button(before)
	if !ok {
		return errStuck(w.page, fmt.Sprintf("no button %q", before))
	}
	return w.send(ctx, f, button)
}

// caseIn takes the id of a case from an address.
func caseIn(path string) string {
	_, rest, ok := strings.Cut(path, atCases)
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// bring makes the files that the act names: documents, and requests of keys.
func (p *Player) bring(act portal.TourAct, w *person) (map[string][]upload, error) {
	files := map[string][]upload{}
	for _, name := range sortedKeys(act.Files) {
		kind, parameter, _ := strings.Cut(act.Files[name], ":")
		switch kind {
		case "pdf":
			files[name] = []upload{{name + ".pdf", "application/pdf", makePDF("Documento de exemplo: " + name)}}
		case "key-request":
			key, ok := p.keys[name]
			if !ok || p.filing == 0 {
				var err error
				if key, err = makeKeyRequest(parameter, w.Name); err != nil {
					return nil, err
				}
				p.keys[name] = key
			}
			files[name] = []upload{{name + ".pem", "application/x-pem-file", key.request}}
		default:
			return nil, fmt.Errorf("%s: there is no file of the kind %q; expected pdf or key-request:ALGORITHM", name, kind)
		}
	}
	return files, nil
}

// prove opens the link of the mail, which shows, and presses its button, which proves.
func (p *Player) prove(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	return p.follow(ctx, w, atProof, nil)
}

// follow opens a mailed link, fills in what its page asks for, and presses its button. The link opens once: when it
// does not open any more after a press whose answer was lost, it was done.
func (p *Player) follow(ctx context.Context, w *person, place string, fill func(*form)) error {
	if p.doing.address == "" {
		address, err := p.mail.await(ctx, w.Email, "a mail with a link to "+place, linkTo("/"+p.script.Portal+place))
		if err != nil {
			return err
		}
		p.doing.address = address
	}
	return p.press(ctx, w, p.doing.address, "", fill)
}

// press opens a page, fills in the form whose action ends so, and presses its button. A form that is gone after a
// press whose answer was lost was taken; one that is still there was not, and is pressed again.
func (p *Player) press(ctx context.Context, w *person, address, ending string, fill func(*form)) error {
	if err := w.open(ctx, address); err != nil {
		return err
	}
	f, ok := w.page.formEnding(ending)
	if !ok || w.page.status != http.StatusOK {
		if p.doing.pressed && w.page.status < http.StatusInternalServerError { // a fault tells nothing of what was pressed
			return nil
		}
		return errStuck(w.page, "there is nothing to press ("+ending+")")
	}
	if fill != nil {
		fill(f)
	}
	button, ok := f.button("")
	if !ok {
		return errStuck(w.page, "no button")
	}
	p.doing.pressed = true
	if err := w.send(ctx, f, button); err != nil {
		return err
	}
	if w.page.status != http.StatusOK {
		return errStuck(w.page, "it was refused")
	}
	return nil
}

// verify asks as a stranger what the code says.
func (p *Player) verify(ctx context.Context, _ int, act portal.TourAct, _ *person) error {
	if p.issued == nil || p.issued.verify == "" {
		return errors.New("nothing with a code to verify was downloaded before")
	}
	stranger, err := newBrowser(p.child.Base, string(i18n.PT))
	if err != nil {
		return err
	}
	if err := stranger.open(ctx, p.issued.verify); err != nil {
		return err
	}
	if stranger.page.status != http.StatusOK || !strings.Contains(stranger.page.text(), act.Expect) {
		return fmt.Errorf("expected %q at %s; it says %q", act.Expect, stranger.page.at.Path, stranger.page.heading())
	}
	return nil
}
