package login

import (
	"context"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"
	"golang.org/x/text/unicode/norm"

	"chancela/internal/account"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

// The length of a password: 15 characters or more (NIST SP 800-63B-4, 3.1.1.2; contract), 1 KiB or less.
const (
	MinPassword = 15
	maxPassword = 1024
	// maxTypedPassword is what is looked at before it is brought to its normal form (A18).
	maxTypedPassword = 4 * maxPassword
)

// passwordField is how problems of a new password name it.
const passwordField = "password"

// common are words and phrases that people here choose for passwords, the most usual first.
//
//go:embed common.txt
var common string

var commonWords = sync.OnceValue(func() []string {
	var all []string
	for line := range strings.Lines(common) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, field.Fold(line))
		}
	}
	return all
})

// normal brings a typed password to the form that is hashed: NFC, so that each keyboard's «ã» is the same, and
// nothing else: no case, no space is touched, nothing cut. It is false for what can be no password.
func normal(typed string) (string, bool) {
	if len(typed) > maxTypedPassword || !utf8.ValidString(typed) {
		return "", false
	}
	s := norm.NFC.String(typed)
	return s, len(s) <= maxPassword
}

// judge refuses a new password that is short, common, or made of what everybody knows of the account. Nothing else is
// asked of it: no digits, no capitals, no signs (NIST SP 800-63B-4, 3.1.1.2).
func judge(typed string, context []string) (string, error) {
	password, ok := normal(typed)
	switch {
	case !ok && len(typed) <= maxTypedPassword && !utf8.ValidString(typed):
		return "", refusePassword("pass.characters")
	case !ok:
		return "", refusePassword("pass.long", "max", strconv.Itoa(maxPassword))
	case utf8.RuneCountInString(password) < MinPassword:
		return "", refusePassword("pass.short", "min", strconv.Itoa(MinPassword))
	case weak(password, commonWords()):
		return "", refusePassword("pass.common")
	case weak(password, slices.Concat(context, commonWords())):
		return "", refusePassword("pass.context")
	}
	return password, nil
}

func refusePassword(key string, pairs ...string) error {
	return fault.Fields([]fault.Field{{Name: passwordField, Key: key, Args: fault.Pairs(pairs...)}})
}

// strongEnough is the least score of zxcvbn: 10^8 guesses or more, each of which costs 19 MiB.
const strongEnough = 3

// mostWeighed is how many characters are weighed. If so many are strong, more are.
const mostWeighed = 64

// weak says whether a password is guessed soon by somebody who tries these words, names, dates, sequences, rows of
// keys and repetitions; with letters written as signs, doubled, and backwards too.
func weak(password string, words []string) bool {
	folded := field.Fold(password)
	if runes := []rune(folded); len(runes) > mostWeighed {
		folded = string(runes[:mostWeighed])
	}
	plain := leet.Replace(folded)
	tight := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) {
			return -1
		}
		return r
	}, plain)
	for _, form := range []string{folded, plain, tight, backwards(tight)} {
		if fewLetters(form) || zxcvbn.PasswordStrength(form, words).Score < strongEnough {
			return true
		}
	}
	return false
}

// leet is what signs and digits stand for when letters are written with them.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i", "|", "l", "+", "t")

func backwards(s string) string {
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes)
}

// fewLetters says whether so few different characters are used that the length says nothing.
func fewLetters(s string) bool {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen) < 5
}

// contextOf lists what somebody who knows the account would try: the person's name, the address, the portal, the
// bodies that the person acts for; each word, and words joined.
func (s *Service) contextOf(ctx context.Context, tx *db.Tx, one account.Account) ([]string, error) {
	texts := []string{one.Name, one.Address, one.Mobile, one.Portal}
	if p, ok := s.portals.Portal(one.Portal); ok {
		texts = append(texts, portalTexts(p)...)
	}
	known, err := s.accounts.Known(ctx, tx, one.Portal, one.Person, one.ID)
	if err != nil {
		return nil, err
	}
	for _, power := range known.Powers {
		texts = append(texts, power.BodyName, power.BodyNIPC, power.Position, power.Unit)
	}
	return contextWords(texts), nil
}

func portalTexts(p *portal.Portal) []string {
	texts := []string{p.Body.Short}
	for _, lang := range i18n.Langs() {
		texts = append(texts, p.Title.In(lang), p.Body.Name.In(lang))
	}
	return texts
}

func contextWords(texts []string) []string {
	var all []string
	for _, text := range texts {
		words := strings.FieldsFunc(field.Fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		all = append(all, words...)
		all = append(all, strings.Join(words, ""), field.Fold(text))
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(word string) bool { return len(word) < 3 })
}
