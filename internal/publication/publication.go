// Package publication says to the world how certificates are issued here: the certification practice statement, the
// profiles in force, the test certificates.
//
// Nothing in them is typed that the program knows: the statement is a text of each language (text/) in RFC 3647's
// outline, into which profiles, terms, keys, addresses and approvals are put from what is in force. When that gives
// another text than the one on record, it is put on record under the next number, so that every text that was ever in
// force can be read for good (ETSI EN 319 411-1, section 6.1, and 411-2).
//
// It must never claim what the instance does not prove, never leave a chapter of the outline out (where there is
// nothing to say, it says so), and never change a text that was published. Start reading at [Service.Publish].
package publication

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
)

// Config is what the room is wired to. The terms are those by which the other rooms work, not a copy.
type Config struct {
	DB *db.DB
	// CA is the record, which knows authorities and samples.
	CA interface {
		Authorities() []ca.Authority
		Samples(ctx context.Context) ([]ca.Sample, error)
	}
	Trust issuance.Trust
	Base  string // below which everything is served, such as http://localhost:8080/pki
	Pages string // of the face: where people ask and check
	ca.Terms
	Stamps  bool   // whoever asks gets time stamps
	Module  bool   // keys are in a hardware module
	Contact string // address of the operator; "" for none told
}

// Profile is a profile in force, as it is published.
type Profile = issuance.ProfileText

// Service is the room's door.
type Service struct {
	c     Config
	texts map[i18n.Lang]*template.Template
}

// Statement is one text of the practice statement.
type Statement struct {
	Number      int64
	Lang        i18n.Lang
	Hash        string // SHA-256 of Text, hexadecimal
	Text        string // Markdown
	PublishedAt time.Time
}

//go:embed text/*.md
var texts embed.FS

// New opens the room.
func New(c Config) (*Service, error) {
	s := &Service{c: c, texts: map[i18n.Lang]*template.Template{}}
	for _, lang := range i18n.Langs() {
		name := string(lang) + ".md"
		parsed, err := template.New(name).Funcs(template.FuncMap{"list": listed, "span": func(d time.Duration) string { return span(lang, d) }}).
			Option("missingkey=error").ParseFS(texts, "text/"+name)
		if err != nil {
			return nil, fmt.Errorf("publication: %w", err)
		}
		s.texts[lang] = parsed
	}
	return s, nil
}

// facts are what a text is filled with.
type facts struct {
	Config
	Authorities []ca.Authority
	Profiles    []Profile
	Qualified   bool
	Mark        string // which an authority's name carries while nothing is proven
	Keys        string // that requests may hold
	Hold        int    // days that a suspension may last
}

// render makes the text that is true now.
func (s *Service) render(lang i18n.Lang) (string, error) {
	f := facts{
		Config: s.c, Authorities: s.c.CA.Authorities(), Profiles: s.c.Trust.Texts(), Qualified: s.c.Trust.IsQualified(), Mark: issuance.TestMark,
		Keys: issuance.AdmittedKeys, Hold: int(ca.LongestSuspension / (24 * time.Hour)),
	}
	var out bytes.Buffer
	if err := s.texts[lang].Execute(&out, f); err != nil {
		return "", fmt.Errorf("publication: %w", err)
	}
	return out.String(), nil
}

// Publish puts the statement on record under the next number, if what is true now is another text than the last one.
// It is a deed of the program's, done at each start and after a change of the hierarchy.
func (s *Service) Publish(ctx context.Context, by actor.Actor) error {
	if err := by.MayIn("", actor.RunTheProgram); err != nil {
		return err
	}
	var now []Statement
	for _, lang := range i18n.Langs() {
		text, err := s.render(lang)
		if err != nil {
			return err
		}
		now = append(now, Statement{Lang: lang, Text: text, Hash: hashOf(text)})
	}
	err := s.c.DB.InTx(ctx, func(tx *db.Tx) error {
		number, same, err := inForce(ctx, tx, now)
		if err != nil || same {
			return err
		}
		for _, one := range now {
			one.Number = number + 1
			if err := insert(ctx, tx, one); err != nil {
				return err
			}
		}
		return audit.Write(ctx, tx, by, "statement.publish", fmt.Sprintf("statement/%d", number+1),
			audit.With("pt", now[0].Hash), audit.With("en", now[1].Hash))
	})
	if db.Taken(err) { // another replica was first
		return nil
	}
	if err != nil {
		return fmt.Errorf("publish the practice statement: %w", err)
	}
	return nil
}

// Statement is a text of the statement: of that number, or the one in force for 0. NotFound where there is none.
func (s *Service) Statement(ctx context.Context, lang i18n.Lang, number int64) (one Statement, err error) {
	err = s.c.DB.Look(ctx, func(tx *db.Tx) error {
		one, err = find(ctx, tx, lang, number)
		return err
	})
	if db.None(err) {
		return one, fault.New(fault.NotFound, "fault.not-found")
	}
	return one, err
}

// Sample is a test certificate as it is published.
type Sample struct {
	Profile string         `json:"profile"`
	State   ca.SampleState `json:"state"`
	Serial  string         `json:"serial"`
	From    time.Time      `json:"not_before"`
	Until   time.Time      `json:"not_after"`
	Address string         `json:"address"`
	DER     []byte         `json:"-"`
}

// Samples are the test certificates that show what they shall at this moment.
func (s *Service) Samples(ctx context.Context) ([]Sample, error) {
	found, err := s.c.CA.Samples(ctx)
	var all []Sample
	for _, one := range found {
		all = append(all, Sample{
			Profile: one.Profile, State: one.State, Serial: one.Serial.String(), From: one.NotBefore.UTC(), Until: one.NotAfter.UTC(), DER: one.DER,
			Address: s.c.Base + "/teste/" + one.Profile + "-" + string(one.State) + ".cer",
		})
	}
	return all, err
}

// Sample is one of them, by the name that its address has; NotFound where there is none.
func (s *Service) Sample(ctx context.Context, name string) (Sample, error) {
	all, err := s.Samples(ctx)
	for _, one := range all {
		if one.Profile+"-"+string(one.State) == name {
			return one, nil
		}
	}
	return Sample{}, errors.Join(err, fault.New(fault.NotFound, "fault.not-found"))
}

// Profiles are those in force.
func (s *Service) Profiles() []Profile { return s.c.Trust.Texts() }

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func listed(words []string) string { return strings.Join(words, ", ") }

// span writes a length of time for people, in hours or in days.
func span(lang i18n.Lang, d time.Duration) string {
	hours := int(d / time.Hour)
	key, n := "publication.hours", hours
	switch {
	case hours == 1:
		key = "publication.hour"
	case hours == 0:
		key, n = "publication.minutes", int(d/time.Minute)
	case hours%24 == 0 && hours > 24:
		key, n = "publication.days", hours/24
	}
	return i18n.Say(lang, key, i18n.Args{"n": fmt.Sprint(n)})
}
