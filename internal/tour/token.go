package tour

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"

	"chancela/internal/portal"
)

// Where the pages of mandates are, and the move that makes a token on one.
const (
	atMandates = "/autorizacoes/"
	moveToken  = "/token"
)

// tokenFile is the name, among the artefacts of a portal, of the file that keeps the tokens that were made, one a line.
const tokenFile = "tokens"

// shownToken is a token as its page shows it, once.
var shownToken = regexp.MustCompile(`chancela_[A-Z2-7]{52}`)

// token opens the mandate that the case at hand led to, makes its token, and keeps it: it is shown on this page, and
// never again. A token whose answer was lost is made anew.
func (p *Player) token(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	if err := w.open(ctx, p.path("processos", p.caseID)); err != nil {
		return err
	}
	address, ok := w.page.linkWith(atMandates)
	if !ok {
		return errStuck(w.page, "the case leads to no mandate")
	}
	if err := p.press(ctx, w, address, moveToken, nil); err != nil {
		return err
	}
	shown := shownToken.Find(w.page.body)
	if shown == nil {
		return errStuck(w.page, "no token is shown")
	}
	file, err := os.OpenFile(filepath.Join(p.artefacts, tokenFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(shown, '\n'))
	return errors.Join(err, file.Close())
}
