package web

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"chancela/internal/casefile"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/portal"
)

// Limits of one request: the documents of one step, the words of a form, and what is read on and thrown away so that
// the page which says that it is too much arrives.
const (
	mostUpload  = 64 << 20
	mostWords   = 2 << 20
	mostDrained = 512 << 20
	mostParts   = 1000
)

// multipart is how a browser sends a form that may bring documents.
const multipart = "multipart/form-data"

// names are those that the form of a page has. Whatever else is posted is refused by name, and nothing is done: a form
// that brings `verified` or `role` was not made by the page (A23).
type names map[string]manner

// manner is how a form brings a name.
type manner int

const (
	given    manner = iota // at most once
	repeated               // any number of times: boxes to tick
	numbered               // row by row: name.0, name.1, …
	enclosed               // as documents
)

// once are names that may be given at most once.
func once(all ...string) names { return names{}.with(given, all...) }

// often adds names that may be given any number of times.
func (n names) often(all ...string) names { return n.with(repeated, all...) }

func (n names) with(how manner, all ...string) names {
	for _, name := range all {
		n[name] = how
	}
	return n
}

// asksOf are the names under which some fields of a case are answered; a locked one is nobody's to answer.
func asksOf(fields []portal.Field) names {
	n := names{}
	for _, f := range fields {
		switch {
		case f.Locked:
		case f.IsFile():
			n.with(enclosed, f.Key).with(given, same(f.Key))
		case f.Kind == portal.Rows:
			for _, column := range f.Columns {
				n.with(numbered, f.Key+"."+column.Key)
			}
		case f.Kind == field.Choices:
			n.often(f.Key)
		case f.Kind == field.Body:
			n.with(given, f.Key, search(f.Key))
		default:
			n.with(given, f.Key)
		}
	}
	return n
}

// judge refuses what the form does not have, and what it has once and was given twice: which of the two would count
// is for nobody to guess.
func (n names) judge(typed url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		how, known := n[name]
		switch {
		case !known && n.row(name, typed):
			how = given
		case !known, how == numbered, how == enclosed && strings.Join(typed[name], "") != "":
			return unasked("form.unasked", name)
		}
		if how == given && len(typed[name]) > 1 {
			return unasked("form.twice", name)
		}
	}
	return nil
}

// row says whether a name is a cell of a row: they are counted from 0, and none is left out.
func (n names) row(name string, typed url.Values) bool {
	at := strings.LastIndexByte(name, '.')
	if at < 0 {
		return false
	}
	if how, ok := n[name[:at]]; !ok || how != numbered {
		return false
	}
	i, err := strconv.Atoi(name[at+1:])
	return err == nil && i >= 0 && i < len(rowsPosted(typed, name[:at])) && strconv.Itoa(i) == name[at+1:]
}

// unasked refuses a form that was not made by its page, and says what in it was not.
func unasked(key, name string) error {
	shown := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, clipped(strings.ToValidUTF8(name, ""), 60))
	return fault.New(fault.Malformed, key, "name", shown)
}

// limit takes a form up to a size.
func (v *visit) limit(most int64) {
	v.body, v.r.Body = v.r.Body, http.MaxBytesReader(v.w, v.r.Body, most)
}

// drain reads on what is too large and keeps nothing of it: a browser reads an answer only once it has sent everything,
// and would show a broken connection in the place of the page.
func (v *visit) drain() {
	if v.body != nil {
		_, _ = io.CopyN(io.Discard, v.body, mostDrained)
	}
}

// readWords reads a form without documents. Every POST reads its form, one that has no fields too, and before it does
// anything: there is no other way to what was posted.
func (v *visit) readWords(asks names) error {
	_, err := v.readForm(asks, nil)
	return err
}

// taker takes a document of a form as it arrives, and says what is wrong with it.
type taker func(slot, name string, content io.Reader) ([]fault.Field, error)

// readForm reads a form of words and, where there is a taker, of documents. The words that arrived stand in PostForm
// whatever happened to the rest.
func (v *visit) readForm(asks names, take taker) ([]fault.Field, error) {
	v.r.PostForm = nil
	kind, _, _ := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if kind == multipart && take != nil {
		v.limit(mostUpload)
	} else {
		v.limit(mostWords)
	}
	var problems []fault.Field
	var err error
	switch kind {
	case multipart:
		problems, err = v.readParts(asks, take)
	case "application/x-www-form-urlencoded":
		err = formError(v.r.ParseForm())
	default:
		err = v.readNothing()
	}
	if refused := asks.judge(v.r.PostForm); refused != nil {
		return problems, refused
	}
	return problems, err
}

// readNothing reads a request that says of no form what it is: it must be empty.
func (v *visit) readNothing() error {
	v.r.PostForm = url.Values{}
	if n, err := io.ReadFull(v.r.Body, make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return fault.New(fault.Invalid, "form.unreadable")
	}
	return nil
}

func (v *visit) readParts(asks names, take taker) ([]fault.Field, error) {
	v.r.PostForm = url.Values{}
	parts, err := v.r.MultipartReader()
	if err != nil {
		return nil, fault.New(fault.Invalid, "form.unreadable")
	}
	var problems []fault.Field
	words := int64(mostWords)
	for range mostParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return problems, nil
		}
		if err != nil {
			return problems, formError(err)
		}
		name := part.FormName()
		if part.FileName() == "" {
			text, err := io.ReadAll(io.LimitReader(part, words+1))
			if words -= int64(len(text)); err != nil || words < 0 {
				return problems, formError(orTooLong(err))
			}
			v.r.PostForm.Add(name, string(text))
			continue
		}
		if how, known := asks[name]; !known || how != enclosed || take == nil {
			return problems, unasked("form.unasked", name)
		}
		problem, err := take(name, part.FileName(), part)
		if err != nil {
			return problems, formError(err)
		}
		problems = append(problems, problem...)
	}
	return problems, fault.New(fault.Invalid, "form.unreadable")
}

// orTooLong is what is wrong with words that were read: the connection, or how many they are.
func orTooLong(err error) error {
	if err == nil {
		err = &http.MaxBytesError{Limit: mostWords}
	}
	return err
}

// formError tells a form that is too large from one that cannot be read.
func formError(err error) error {
	if err == nil {
		return nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large || isRefusal(err) {
		return err
	}
	return fault.New(fault.Invalid, "form.unreadable")
}

// opening gives the case that a form is about; one that is not begun is begun by its first document, or its words.
type opening func() (casefile.ID, error)

// opened is a case that has begun.
func opened(id casefile.ID) opening { return func() (casefile.ID, error) { return id, nil } }

// readCase reads a form of a case. Documents go straight to the case as they arrive; what is wrong with one is told
// beside its field, and the words are kept whatever happens to the documents. Of a form that brings what it does not
// have, nothing is kept.
func (v *visit) readCase(asks names, open opening) ([]fault.Field, error) {
	problems, err := v.readDocuments(asks, open)
	if err != nil {
		return problems, err
	}
	for _, slot := range slices.Sorted(maps.Keys(asks)) {
		if asks[slot] != enclosed {
			continue
		}
		problem, err := v.takeSame(slot, open)
		if err != nil {
			return problems, err
		}
		problems = append(problems, problem...)
	}
	return problems, nil
}

// takeSame takes a document that answers one question for another, if the form says so.
func (v *visit) takeSame(slot string, open opening) ([]fault.Field, error) {
	document := v.r.PostForm.Get(same(slot))
	if document == "" {
		return nil, nil
	}
	id, err := open()
	if err != nil {
		return nil, err
	}
	_, err = v.s.Cases.AttachSame(v.r.Context(), v.by, id, evidence.ID(document), slot)
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		return e.Fields, nil
	}
	return nil, err
}

// same is the name under which a form says that a document which was sent for another question serves this one too.
func same(key string) string { return key + ".mesmo" }

func (v *visit) readDocuments(asks names, open opening) ([]fault.Field, error) {
	var arrived []evidence.ID
	problems, err := v.readForm(asks, func(slot, name string, content io.Reader) ([]fault.Field, error) {
		id, err := open()
		if err != nil {
			return nil, err
		}
		doc, err := v.s.Cases.Attach(v.r.Context(), v.by, id, evidence.Upload{Slot: slot, Name: name, Reader: content})
		if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
			return e.Fields, nil
		}
		if err == nil {
			arrived = append(arrived, doc)
		}
		return nil, err
	})
	if fault.Is(err, fault.Malformed) {
		return nil, errors.Join(err, v.putBack(arrived, open))
	}
	return problems, err
}

// putBack takes documents out of the case again.
func (v *visit) putBack(documents []evidence.ID, open opening) error {
	for _, doc := range documents {
		id, err := open()
		if err == nil {
			err = v.s.Cases.Detach(v.r.Context(), v.by, id, doc)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sentAlong is what a form, or the address of a page, carries from page to page.
func (v *visit) sentAlong(name string) string {
	if v.r.Method == http.MethodPost {
		return v.r.PostForm.Get(name)
	}
	return v.r.URL.Query().Get(name)
}
