package tour

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"chancela/internal/portal"
)

// tool is a stranger's program that judges what was issued, and the Debian package that has it.
type tool struct{ name, debian string }

// toolsOf are the tools that a move needs.
func toolsOf(do string) []tool {
	switch do {
	case "openssl":
		return []tool{{"openssl", "openssl"}}
	case "pdf":
		return []tool{{"pdfsig", "poppler-utils"}, {"certutil", "libnss3-tools"}}
	}
	return nil
}

// toolsFor says which tools are missing, each with its package, before anything is started.
func toolsFor(scripts []Script) error {
	missing := map[string]string{}
	for _, s := range scripts {
		for _, act := range s.Acts {
			for _, t := range toolsOf(act.Do) {
				if _, err := exec.LookPath(t.name); err != nil {
					missing[t.name] = t.debian
				}
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var named, packages []string
	for _, name := range sortedKeys(missing) {
		named, packages = append(named, name), append(packages, missing[name])
	}
	return fmt.Errorf("the tour has what it issued judged by %s, which this machine does not have; on Debian: apt-get install %s", strings.Join(named, ", "), strings.Join(packages, " "))
}

// tell runs a tool and gives all that it says; a tool that refuses is an error with what it said.
func tell(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// authority is an issuer as the instance lists it for machines.
type authority struct {
	Root        bool   `json:"root"`
	Certificate string `json:"certificate"`
}

// root fetches the certificate of the root that a stranger decides to trust, and keeps it as PEM.
func (p *Player) root(ctx context.Context, b *browser) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.child.Base.String()+"/pki/", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "application/json")
	answer, err := b.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errLost, err)
	}
	var list struct {
		Issuers []authority `json:"issuers"`
	}
	if err := errors.Join(json.NewDecoder(answer.Body).Decode(&list), answer.Body.Close()); err != nil {
		return "", fmt.Errorf("the list of issuers: %w", err)
	}
	for _, one := range list.Issuers {
		if one.Root {
			return p.keepCertificate(ctx, b, one.Certificate, "root.pem")
		}
	}
	return "", errors.New("the instance lists no root")
}

func (p *Player) keepCertificate(ctx context.Context, b *browser, address, name string) (string, error) {
	got, err := b.fetch(ctx, address)
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.artefacts, name)
	return path, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: got.body}), 0o600)
}

// judged is a move in which a stranger's tool judges. Tools ask the instance by themselves, for the status of a
// certificate or the list; one that was killed meanwhile gives no answer, and then a verdict says nothing of what was
// issued: the answer was lost, as a person's page would be.
func (p *Player) judged(judge move) move {
	return func(ctx context.Context, i int, act portal.TourAct, w *person) error {
		verdict := judge(ctx, i, act, w)
		if verdict == nil || errors.Is(verdict, errLost) {
			return verdict
		}
		b, err := newBrowser(p.child.Base, "pt")
		if err != nil {
			return errors.Join(verdict, err)
		}
		if _, err := b.fetch(ctx, "/healthz"); errors.Is(err, errLost) {
			return fmt.Errorf("%w; without it a tool said: %w", err, verdict)
		}
		return verdict
	}
}

// openssl has openssl judge the certificate: its chain against the root, its key, its status by OCSP and by the list.
func (p *Player) openssl(ctx context.Context, _ int, act portal.TourAct, _ *person) error {
	if p.issued == nil || p.issued.certificate == "" || p.issued.chain == "" {
		return errors.New("no certificate with its chain was downloaded before")
	}
	b, err := newBrowser(p.child.Base, "pt")
	if err != nil {
		return err
	}
	root, err := p.root(ctx, b)
	if err != nil {
		return err
	}
	leaf, issuer, err := readChain(p.issued)
	if err != nil {
		return err
	}
	if _, err := tell(ctx, "openssl", "verify", "-CAfile", root, "-untrusted", p.issued.chain, p.issued.certificate); err != nil {
		return err
	}
	if err := p.sameKey(ctx); err != nil {
		return err
	}
	if err := p.ocsp(ctx, root, leaf, issuer, act.Expect); err != nil {
		return err
	}
	return p.list(ctx, b, root, leaf, act.Expect)
}

// sameKey has openssl say that the certificate is for the key that the holder made.
func (p *Player) sameKey(ctx context.Context) error {
	if p.issued.key == "" {
		return nil
	}
	certified, err := tell(ctx, "openssl", "x509", "-in", p.issued.certificate, "-noout", "-pubkey")
	if err != nil {
		return err
	}
	made, err := tell(ctx, "openssl", "pkey", "-in", p.issued.key, "-pubout")
	if err == nil && certified != made {
		err = errors.New("the certificate is for another key than the holder's")
	}
	return err
}

// readChain reads the certificate and its issuer, which stands in the chain.
func readChain(i *issued) (leaf, issuer *x509.Certificate, err error) {
	text, err := os.ReadFile(i.certificate)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, nil, errors.New("the download is no certificate in PEM")
	}
	if leaf, err = x509.ParseCertificate(block.Bytes); err != nil {
		return nil, nil, err
	}
	if text, err = os.ReadFile(i.chain); err != nil {
		return nil, nil, err
	}
	for block, text = pem.Decode(text); block != nil; block, text = pem.Decode(text) {
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, err
		}
		if bytes.Equal(one.RawSubject, leaf.RawIssuer) {
			return leaf, one, nil
		}
	}
	return nil, nil, errors.New("the chain does not hold the certificate's issuer")
}

// ocsp asks the responder that the certificate names.
func (p *Player) ocsp(ctx context.Context, root string, leaf, issuer *x509.Certificate, expect string) error {
	if len(leaf.OCSPServer) == 0 {
		return errors.New("the certificate names no OCSP responder")
	}
	path := filepath.Join(p.artefacts, "issuer.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Raw}), 0o600); err != nil {
		return err
	}
	said, err := tell(ctx, "openssl", "ocsp", "-issuer", path, "-cert", p.issued.certificate, "-url", p.reachable(leaf.OCSPServer[0]), "-CAfile", root, "-VAfile", path)
	if err != nil {
		return err
	}
	for _, words := range []string{"Response verify OK", p.issued.certificate + ": " + expect} {
		if !strings.Contains(said, words) {
			return fmt.Errorf("openssl ocsp: expected %q; it says: %s", words, said)
		}
	}
	return nil
}

// reachable writes an address of the instance with a number in place of a name that may not resolve here.
func (p *Player) reachable(address string) string {
	return strings.Replace(address, "//"+p.child.Base.Host, "//127.0.0.1:"+p.child.Base.Port(), 1)
}

// list has openssl judge by the revocation list that the certificate names: a revoked one must be refused.
func (p *Player) list(ctx context.Context, b *browser, root string, leaf *x509.Certificate, expect string) error {
	if len(leaf.CRLDistributionPoints) == 0 {
		return errors.New("the certificate names no revocation list")
	}
	got, err := b.fetch(ctx, leaf.CRLDistributionPoints[0])
	if err != nil {
		return err
	}
	path := filepath.Join(p.artefacts, "list.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: got.body}), 0o600); err != nil {
		return err
	}
	said, err := tell(ctx, "openssl", "verify", "-crl_check", "-CAfile", root, "-untrusted", p.issued.chain, "-CRLfile", path, p.issued.certificate)
	if expect != "revoked" {
		return err
	}
	if err == nil || !strings.Contains(said, "certificate revoked") {
		return fmt.Errorf("openssl verify -crl_check: expected that it refuses the certificate as revoked; it says: %s", said)
	}
	return nil
}

// pdf has pdfsig judge the seal of the sealed document, with a store that trusts the root and nothing else.
func (p *Player) pdf(ctx context.Context, _ int, _ portal.TourAct, _ *person) error {
	if p.issued == nil || p.issued.pdf == "" {
		return errors.New("no sealed PDF was downloaded before")
	}
	b, err := newBrowser(p.child.Base, "pt")
	if err != nil {
		return err
	}
	root, err := p.root(ctx, b)
	if err != nil {
		return err
	}
	store := filepath.Join(p.artefacts, "nss")
	if err := os.RemoveAll(store); err != nil {
		return err
	}
	if err := os.MkdirAll(store, 0o700); err != nil {
		return err
	}
	if _, err := tell(ctx, "certutil", "-N", "-d", "sql:"+store, "--empty-password"); err != nil {
		return err
	}
	if _, err := tell(ctx, "certutil", "-A", "-d", "sql:"+store, "-n", "test root", "-t", "CT,C,C", "-i", root); err != nil {
		return err
	}
	said, err := tell(ctx, "pdfsig", "-nssdir", store, p.issued.pdf)
	if err != nil {
		return err
	}
	for _, words := range []string{"Signature is Valid", "Certificate is Trusted", "Total document signed"} {
		if !strings.Contains(said, words) {
			return fmt.Errorf("pdfsig: expected %q; it says:\n%s", words, said)
		}
	}
	return nil
}
