package ceremony

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"chancela/internal/issuance"
)

func base64Of(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

func jsonOf(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}

// publicKey is the public half of a key that was made here.
func (d *Dir) publicKey(name string) (issuance.Key, bool, error) {
	e, there := d.record.last(didKey, name)
	if !there {
		return issuance.Key{}, false, nil
	}
	der, err := base64.StdEncoding.DecodeString(e.Facts["spki"])
	if err != nil {
		return issuance.Key{}, false, err
	}
	key, err := issuance.ReadKey(der)
	return key, err == nil, err
}

// held is a certificate that was signed or taken here.
type held struct {
	subject     string // name of the key
	file        string
	issuer      string
	profile     string
	serial      *big.Int
	order       []byte
	certificate []byte
	entry       entry
}

// certificate finds what was signed or taken under a file's name.
func (d *Dir) certificate(file string) (held, bool, error) {
	for _, what := range []string{didIssue, didTake} {
		if e, there := d.record.last(what, file); there {
			h, err := d.read(e)
			return h, err == nil, err
		}
	}
	return held{}, false, nil
}

// read reads a certificate of the record: the file must be the one that was made.
func (d *Dir) read(e entry) (held, error) {
	data, err := readFile(d.at(outDir, e.Subject+".pem"))
	if err != nil {
		return held{}, err
	}
	der, err := certificateDER(data)
	if err != nil {
		return held{}, err
	}
	if sha(der) != e.Facts["certificate"] {
		return held{}, fmt.Errorf("%s/%s.pem is not the one on record", outDir, e.Subject)
	}
	order, err := base64.StdEncoding.DecodeString(e.Facts["order_der"])
	if err != nil {
		return held{}, err
	}
	serial, ok := new(big.Int).SetString(e.Facts["serial_hex"], 16)
	if !ok {
		return held{}, errors.New("the record's serial number cannot be read")
	}
	return held{
		subject: e.Facts["name"], file: e.Subject, issuer: e.Facts["by"], profile: e.Facts["profile"], serial: serial, order: order, certificate: der, entry: e,
	}, nil
}

// certificateDER reads one certificate, PEM or DER.
func certificateDER(data []byte) ([]byte, error) { return oneBlock(data, "CERTIFICATE") }

func oneBlock(data []byte, label string) ([]byte, error) {
	if len(data) > 0 && data[0] == 0x30 {
		return data, nil
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != label || len(block.Headers) > 0 || strings.TrimSpace(string(rest)) != "" {
		return nil, fmt.Errorf("expected one PEM block %s and nothing behind it, or DER", label)
	}
	return block.Bytes, nil
}

// authorityOf opens an authority of ours as an issuer. A cross-certificate is none: it is the root's own that counts.
func (d *Dir) authorityOf(s *Script, name string) (*issuance.Issuer, error) {
	h, there, err := d.certificate(name)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("%s has no certificate here yet", name)
	}
	return issuance.NewIssuer(h.certificate, s.urls(name), s.trust())
}

// urls are the addresses that an authority's certificates carry, as the instance that answers there has them.
func (s *Script) urls(name string) issuance.URLs {
	return issuance.URLs{CAIssuers: s.Address + "/ca/" + name + ".cer", OCSP: s.Address + "/ocsp", CRL: s.Address + "/crl/" + name + ".crl", CPS: s.CPS}
}

// entries are what an authority's list must say: what was revoked, and what was lost on its way.
func (d *Dir) entries(issuer string) (all []byte, n int, err error) {
	for _, e := range d.record.entries {
		if e.What != didRevoke && e.What != didLose || e.Facts["by"] != issuer {
			continue
		}
		serial, ok := new(big.Int).SetString(e.Facts["serial_hex"], 16)
		if !ok {
			return nil, 0, errors.New("the record's serial number cannot be read")
		}
		reason := issuance.Superseded
		if e.What == didRevoke {
			reason = reasons()[e.Facts["reason"]]
		}
		one, err := issuance.Revocation{Serial: serial, At: e.At, Reason: reason}.Entry()
		if err != nil {
			return nil, 0, err
		}
		all = append(all, one...)
		n++
	}
	return all, n, nil
}
