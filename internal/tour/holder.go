package tour

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chancela/internal/portal"
)

// issued is what the case at hand led to, as its holder has it: addresses of its page and of its verification, and
// the files that were downloaded.
type issued struct {
	page, verify            string
	pdf, certificate, chain string // paths of files; "" for none
	key                     string
}

// Where the pages of what was issued are. The officers' pages of the same things stand behind [atOfficers].
const (
	atCertificates = "/certificados/"
	atCredentials  = "/credenciais/"
	moveAccept     = "/aceitar"
	moveRevoke     = "/revogar"
)

// issuedWithin is how long what was approved may take to be issued: keys are used behind the pages, and what failed
// once is taken up again after half a minute.
const issuedWithin = 90 * time.Second

// download waits until what was approved stands in the holder's own place, opens its page, and saves every file.
func (p *Player) download(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	ctx, cancel := context.WithTimeoutCause(ctx, issuedWithin, fmt.Errorf("nothing to download came within %s", issuedWithin))
	defer cancel()
	for {
		found, err := p.lookFor(ctx, w)
		if err != nil || found {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (p *Player) lookFor(ctx context.Context, w *person) (bool, error) {
	if err := w.open(ctx, p.path(atArea)); err != nil {
		return false, err
	}
	address, ok := w.page.linkWith(atCredentials)
	if !ok {
		address, ok = w.page.linkWith(atCertificates)
	}
	if !ok {
		return false, nil
	}
	if err := w.open(ctx, address); err != nil {
		return false, err
	}
	if w.page.status != http.StatusOK {
		return false, errStuck(w.page, "what was issued has no page")
	}
	return p.save(ctx, w)
}

// save saves every download of a page of something issued; false if there is none yet.
func (p *Player) save(ctx context.Context, w *person) (bool, error) {
	got := &issued{page: w.page.at.String()}
	got.verify, _ = w.page.linkWith(atVerify)
	for _, l := range w.page.links() {
		if !l.save && !strings.HasPrefix(l.href, w.page.at.Path+"/") {
			continue
		}
		file, err := w.fetch(ctx, l.href)
		if err != nil {
			return false, err
		}
		path := filepath.Join(p.artefacts, file.fileName())
		if err := os.WriteFile(path, file.body, 0o600); err != nil {
			return false, err
		}
		got.add(path, file.body)
	}
	if got.pdf == "" && got.certificate == "" {
		return false, nil
	}
	err := p.saveKey(got)
	p.issued = got
	return true, err
}

// add tells by the content what a file is.
func (i *issued) add(path string, content []byte) {
	if bytes.HasPrefix(content, []byte("%PDF-")) {
		i.pdf = path
		return
	}
	switch blocks(content) {
	case 0:
	case 1:
		i.certificate = path
	default:
		i.chain = path
	}
}

// blocks counts the certificates of a PEM file.
func blocks(content []byte) (n int) {
	for {
		block, rest := pem.Decode(content)
		if block == nil {
			return n
		}
		if block.Type == "CERTIFICATE" {
			n++
		}
		content = rest
	}
}

// saveKey puts the key of the case's request beside its certificate.
func (p *Player) saveKey(got *issued) error {
	if got.certificate == "" {
		return nil
	}
	for _, name := range sortedKeys(p.keys) {
		text, err := p.keys[name].keyPEM()
		if err != nil {
			return err
		}
		got.key = filepath.Join(p.artefacts, "holder.key")
		if err := os.WriteFile(got.key, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// fileName is the name that a download proposes, without any path.
func (p *page) fileName() string {
	_, parameters, err := mime.ParseMediaType(p.disposition)
	if name := filepath.Base(parameters["filename"]); err == nil && name != "." && name != "/" {
		return name
	}
	return filepath.Base(p.at.Path)
}

// accept has the holder say that the certificate is right.
func (p *Player) accept(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	return p.onIssued(ctx, w, moveAccept)
}

// revoke ends what was issued: by its holder, or by an officer where the script gives the act to one.
func (p *Player) revoke(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	return p.onIssued(ctx, w, moveRevoke)
}

func (p *Player) onIssued(ctx context.Context, w *person, move string) error {
	if p.issued == nil {
		return errors.New("nothing was downloaded before")
	}
	address := p.issued.page
	if w.officer() {
		address = strings.Replace(address, "/"+p.script.Portal+"/", "/"+p.script.Portal+atOfficers, 1)
	}
	return p.press(ctx, w, address, move, answerAnyhow)
}
