package ceremony

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"chancela/internal/durable"
	"chancela/internal/issuance"
)

// convene fixes the script and says which program holds the ceremony.
func (s *session) convene() (plan, error) {
	var p plan
	p.shown = [][2]string{
		{"script", s.script.digest}, {"version", s.o.Version}, {"commit", s.o.Commit},
		{"needed", fmt.Sprintf("%d / %d", s.script.Needed, len(s.script.named(custodian)))}, {"store", storeName(s.script.Keys)},
	}
	p.act = func() ([][2]string, []fileDigest, error) {
		file := fileDigest{s.script.Name + scriptEnd, s.script.digest}
		if _, begun := s.record.begun(s.script.Name); begun {
			return nil, []fileDigest{file}, nil
		}
		var people []string
		for _, one := range s.script.People {
			people = append(people, one.Name+" ("+one.Role+")")
		}
		return nil, []fileDigest{file}, s.note(entry{What: didBegin, People: people, Facts: map[string]string{
			"script": s.script.digest, "version": s.o.Version, "commit": s.o.Commit,
		}})
	}
	return p, nil
}

func storeName(k Store) string {
	if k.Kind == inModule {
		return strings.TrimSpace("PKCS#11 " + k.Token + " " + k.Serial)
	}
	return keysDir + "/"
}

// share makes the secret, and each custodian's share under a passphrase of their own. A crash before the last file is
// there leaves nothing that counts: it begins anew, with another secret.
func (s *session) share() (plan, error) {
	made, there := s.record.last(didCustody, "")
	var names []string
	for _, p := range s.script.named(custodian) {
		names = append(names, p.Name)
	}
	p := plan{shown: [][2]string{{"needed", strconv.Itoa(s.script.Needed)}, {"custodians", strings.Join(names, ", ")}}}
	if there && (made.Ceremony != s.script.Name || made.Step != s.n) {
		return p, errors.New("the keys of this directory have their custodians already; other custodians have other keys, in another directory")
	}
	p.act = func() ([][2]string, []fileDigest, error) {
		if there {
			return nil, made.Files, nil
		}
		return s.makeShares(names)
	}
	return p, nil
}

func (s *session) makeShares(names []string) ([][2]string, []fileDigest, error) {
	secret := newSecret()
	c, shares, err := secret.split(s.script.Needed, names)
	if err != nil {
		return nil, nil, err
	}
	if err := os.RemoveAll(s.at(sharesDir)); err != nil { // of a run that did not come to its end
		return nil, nil, err
	}
	var files []fileDigest
	for i, h := range c.Holders {
		phrase, err := s.newPhrase(h.Name)
		if err != nil {
			return nil, nil, err
		}
		data, err := sealShare(c, h, shares[i], phrase, s.o.Cost)
		if err != nil {
			return nil, nil, err
		}
		if _, err := openShare(c, h, data, phrase); err != nil { // what was written opens, or there is no custody
			return nil, nil, err
		}
		if err := durable.Replace(s.at(sharesDir, h.File), data); err != nil {
			return nil, nil, err
		}
		files = append(files, fileDigest{sharesDir + "/" + h.File, sha(data)})
		s.crash(strconv.Itoa(s.n) + ".share")
	}
	if s.script.Keys.Kind == inModule {
		file, err := s.keepPIN(secret)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, file)
	}
	data, err := jsonOf(c)
	if err != nil {
		return nil, nil, err
	}
	if err := durable.Replace(s.at(custodyFile), data); err != nil {
		return nil, nil, err
	}
	files = append(files, fileDigest{custodyFile, sha(data)})
	if err := s.note(entry{What: didCustody, People: names, Files: files, Facts: map[string]string{"sha256": sha(data)}}); err != nil {
		return nil, nil, err
	}
	return nil, files, nil
}

func (s *session) newPhrase(name string) (string, error) {
	for range tries {
		phrase, err := s.talk.hidden("phrase.new", "name", name)
		if err != nil {
			return "", err
		}
		again, err := s.talk.hidden("phrase.again", "name", name)
		if err != nil {
			return "", err
		}
		if phrase == again && len(phrase) >= leastPhrase {
			return phrase, nil
		}
		s.talk.say("phrase.short")
	}
	return "", fmt.Errorf("%s chose no passphrase", name)
}

// keepPIN asks for the token's PIN once, tries it, and keeps it under the secret.
func (s *session) keepPIN(secret secret) (fileDigest, error) {
	pin, err := s.talk.hidden("pin", "token", s.script.Keys.Token)
	if err != nil {
		return fileDigest{}, err
	}
	if s.module == nil {
		if err := s.login(pin); err != nil {
			return fileDigest{}, err
		}
		s.keys = nil // it was tried; the keys are opened by custodians
		defer func() { _ = s.module.Close(); s.module = nil }()
	}
	data, err := secret.sealPIN(s.script.Keys.Token, pin)
	if err != nil {
		return fileDigest{}, err
	}
	return fileDigest{pinFile, sha(data)}, durable.Replace(s.at(pinFile), data)
}

// makeKeys makes the keys of a step.
func (s *session) makeKeys(one Step) (plan, error) {
	subjects, err := s.script.subjects(one)
	if err != nil {
		return plan{}, err
	}
	var p plan
	for _, x := range subjects {
		p.shown = append(p.shown, [2]string{"key", x.name})
	}
	p.shown = append(p.shown, [2]string{"algorithm", string(subjects[0].algorithm)})
	p.act = func() (made [][2]string, files []fileDigest, err error) {
		if err := s.open(); err != nil {
			return nil, nil, err
		}
		for _, x := range subjects {
			fingerprint, err := s.makeKey(x)
			if err != nil {
				return nil, nil, fmt.Errorf("key %s: %w", x.name, err)
			}
			made = append(made, [2]string{"keys", fingerprint})
		}
		return made, nil, nil
	}
	return p, nil
}

// makeKey makes a key and puts its public half on record. Done again after a crash, it finds the same.
func (s *session) makeKey(x subject) (string, error) {
	if e, there := s.record.last(didKey, x.name); there {
		return e.Facts["keys"], s.sameKey(x.name, e)
	}
	signer, err := s.keys.Make(s.ctx, x.name, x.algorithm)
	if err != nil {
		return "", err
	}
	s.crash(strconv.Itoa(s.n) + ".key")
	key, err := issuance.CheckKey(signer.Public())
	if err != nil {
		return "", err
	}
	if key.Algorithm != x.algorithm {
		return "", fmt.Errorf("the store has a key of that name, and it is %s", key.Algorithm)
	}
	return key.Fingerprint(), s.note(entry{What: didKey, Subject: x.name, Facts: map[string]string{
		"keys": key.Fingerprint(), "spki": base64Of(key.DER), "algorithm": string(key.Algorithm),
	}})
}

// sameKey opens a key that is on record and compares.
func (s *session) sameKey(name string, e entry) error {
	signer, err := s.keys.Open(s.ctx, name)
	if err != nil {
		return err
	}
	key, err := issuance.CheckKey(signer.Public())
	if err != nil {
		return err
	}
	if key.Fingerprint() != e.Facts["keys"] {
		return errors.New("the store's key is not the one on record")
	}
	return nil
}
