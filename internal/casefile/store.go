package casefile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"chancela/internal/actor"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/field"
	"chancela/internal/i18n"
	"chancela/internal/portal"
)

const columns = `id, portal, procedure_key, procedure_version, number, state, version, lang, person, account, applicant, address, address_key, civil_mark,
	body_number, body_name, one_per, answers, revision, documents, director, taken_by, created_at, changed_at, filed_at, proven_at, due_at, paused_at, answer_by, decided_at, reminded, left_out, follows`

// idForm is the form of our ids: anything else is nobody's, and PostgreSQL is not asked about bytes it cannot hold.
var idForm = regexp.MustCompile(`^[a-z2-7]{26}$`)

// find reads a case; one that is not there is NotFound.
func (s *Service) find(ctx context.Context, tx *db.Tx, id ID) (*Case, error) {
	if !idForm.MatchString(string(id)) {
		return nil, fault.New(fault.NotFound, "fault.not-found")
	}
	c, err := s.scan(ctx, tx, tx.Row(ctx, `SELECT `+columns+` FROM casefile WHERE id = $1`, string(id)).Scan)
	if db.None(err) {
		return nil, fault.New(fault.NotFound, "fault.not-found")
	}
	if err != nil {
		return nil, fmt.Errorf("find case %s: %w", id, err)
	}
	return c, nil
}

func (s *Service) scan(ctx context.Context, tx *db.Tx, scan func(...any) error) (*Case, error) {
	var c Case
	var portalName, key, version, lang, answers, documents, leftOut string
	err := scan(&c.ID, &portalName, &key, &version, &c.Number, &c.State, &c.Version, &lang, &c.Person, &c.Account, &c.Applicant, &c.Address, &c.addressKey, &c.civilMark,
		&c.BodyNIPC, &c.BodyName, &c.onePer, &answers, &c.Revision, &documents, &c.Director, &c.TakenBy, db.Times(&c.CreatedAt), db.Times(&c.ChangedAt), db.Times(&c.FiledAt), db.Times(&c.ProvenAt),
		db.Times(&c.DueAt), db.Times(&c.PausedAt), db.Times(&c.AnswerBy), db.Times(&c.DecidedAt), &c.reminded, &leftOut, &c.Follows)
	if err != nil {
		return nil, err
	}
	c.Lang, c.documents, c.LeftOut = i18n.Lang(lang), strings.Fields(documents), strings.Fields(leftOut)
	var ok bool
	if c.Portal, ok = s.portals.Portal(portalName); !ok {
		return nil, fault.New(fault.NotFound, "fault.not-found") // a portal that this instance no longer has
	}
	if c.Procedure, err = s.procedure(ctx, tx, c.Portal, key, version); err != nil {
		return nil, err
	}
	c.Answers, err = s.unlock(&c, answers)
	return &c, err
}

// procedure gives a procedure in the version that a case was filed under.
func (s *Service) procedure(ctx context.Context, tx *db.Tx, p *portal.Portal, key, version string) (*portal.Procedure, error) {
	if now, ok := p.Procedure(key); ok && now.Version == version {
		return now, nil
	}
	var source string
	err := tx.Row(ctx, `SELECT source FROM procedure_version WHERE portal = $1 AND version = $2`, p.Name, version).Scan(&source)
	if err != nil {
		return nil, fmt.Errorf("version %s of a procedure of %s: %w", version, p.Name, err)
	}
	old, err := portal.ParseProcedure(p.Name, version, []byte(source))
	if err != nil {
		return nil, err
	}
	p.Bind(old)
	return old, nil
}

// Remember keeps the versions of procedures that this program came with; it is done at start.
func (s *Service) Remember(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		for _, p := range s.portals.Portals {
			for _, one := range p.Procedures {
				_, err := tx.Exec(ctx, `INSERT INTO procedure_version (portal, version, source, since) VALUES ($1, $2, $3, $4) ON CONFLICT (portal, version) DO NOTHING`,
					p.Name, one.Version, string(one.Source), tx.Stamp())
				if err != nil {
					return fmt.Errorf("remember procedure: %w", err)
				}
			}
		}
		return nil
	})
}

// lock writes answers as they are stored: sensitive values locked to this case and field.
func (s *Service) lock(c *Case) (string, error) {
	stored := maps.Clone(c.Answers)
	for key := range c.Answers {
		if !c.sensitive(key) {
			continue
		}
		locked := make([]string, len(stored[key]))
		for i, value := range stored[key] {
			locked[i] = s.vault.Lock(c.object()+"/"+key, value)
		}
		stored[key] = locked
	}
	text, err := json.Marshal(stored)
	return string(text), err
}

func (s *Service) unlock(c *Case, text string) (portal.Answers, error) {
	var answers portal.Answers
	if err := json.Unmarshal([]byte(text), &answers); err != nil {
		return nil, fmt.Errorf("answers of case %s: %w", c.ID, err)
	}
	for key, values := range answers {
		if !c.sensitive(key) {
			continue
		}
		for i, locked := range values {
			value, err := s.vault.Unlock(c.object()+"/"+key, locked)
			if err != nil {
				return nil, fmt.Errorf("answers of case %s: %w", c.ID, err)
			}
			values[i] = value
		}
	}
	return answers, nil
}

// sensitive says whether the answers under a key, a field's or a column's, must not be read in the database.
func (c *Case) sensitive(key string) bool {
	name, column, inRow := strings.Cut(key, ".")
	f, ok := c.Procedure.Field(name)
	if !ok || !inRow {
		return field.Sensitive(f.Kind)
	}
	return slices.ContainsFunc(f.Columns, func(one portal.Field) bool { return one.Key == column && field.Sensitive(one.Kind) })
}

func (s *Service) insert(ctx context.Context, tx *db.Tx, c *Case) error {
	answers, err := s.lock(c)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO casefile (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)`,
		string(c.ID), c.Portal.Name, c.Procedure.Key, c.Procedure.Version, c.Number, string(c.State), c.Version, string(c.Lang), string(c.Person), string(c.Account), c.Applicant, c.Address,
		c.addressKey, c.civilMark, c.BodyNIPC, c.BodyName, c.onePer, answers, c.Revision, strings.Join(c.documents, " "), string(c.Director), string(c.TakenBy), db.Time(c.CreatedAt), db.Time(c.ChangedAt), db.Time(c.FiledAt),
		db.Time(c.ProvenAt), db.Time(c.DueAt), db.Time(c.PausedAt), db.Time(c.AnswerBy), db.Time(c.DecidedAt), c.reminded, strings.Join(c.LeftOut, " "), string(c.Follows))
	return err
}

// openFollower finds the case under way that was begun from an earlier one.
func openFollower(ctx context.Context, tx *db.Tx, earlier ID) (id ID, found bool, err error) {
	err = tx.Row(ctx, `SELECT id FROM casefile WHERE follows = $1 AND state NOT IN ('approved', 'refused', 'withdrawn', 'deserted', 'lapsed')`,
		string(earlier)).Scan(&id)
	if db.None(err) {
		return "", false, nil
	}
	return id, err == nil, err
}

// change writes the case back if nobody changed it since it was read.
func (s *Service) change(ctx context.Context, tx *db.Tx, c *Case) error {
	answers, err := s.lock(c)
	if err != nil {
		return err
	}
	c.ChangedAt = tx.Now()
	n, err := tx.Exec(ctx, `UPDATE casefile SET procedure_version = $3, number = $4, state = $5, version = version + 1, lang = $6, person = $7, account = $8, applicant = $9, address = $10,
		address_key = $11, civil_mark = $12, body_number = $13, body_name = $14, one_per = $15, answers = $16, revision = $17, documents = $18, director = $19, taken_by = $20, changed_at = $21,
		filed_at = $22, proven_at = $23, due_at = $24, paused_at = $25, answer_by = $26, decided_at = $27, reminded = $28, left_out = $29 WHERE id = $1 AND version = $2`,
		string(c.ID), c.Version, c.Procedure.Version, c.Number, string(c.State), string(c.Lang), string(c.Person), string(c.Account), c.Applicant, c.Address,
		c.addressKey, c.civilMark, c.BodyNIPC, c.BodyName, c.onePer, answers, c.Revision, strings.Join(c.documents, " "), string(c.Director), string(c.TakenBy), db.Time(c.ChangedAt), db.Time(c.FiledAt),
		db.Time(c.ProvenAt), db.Time(c.DueAt), db.Time(c.PausedAt), db.Time(c.AnswerBy), db.Time(c.DecidedAt), c.reminded, strings.Join(c.LeftOut, " "))
	if db.Taken(err) {
		return fault.New(fault.Conflict, "case.repeated")
	}
	if err != nil {
		return fmt.Errorf("change case %s: %w", c.ID, err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "case.changed-meanwhile")
	}
	c.Version++
	return nil
}

// nextNumber gives the next number of the portal in the year of the transaction.
func nextNumber(ctx context.Context, tx *db.Tx, p *portal.Portal) (string, error) {
	year := tx.Now().In(i18n.Lisbon()).Year()
	var last int64
	err := tx.Row(ctx, `INSERT INTO case_number (portal, year, last) VALUES ($1, $2, 1) ON CONFLICT (portal, year) DO UPDATE SET last = case_number.last + 1 RETURNING last`, p.Name, year).Scan(&last)
	if err != nil {
		return "", fmt.Errorf("next number: %w", err)
	}
	return i18n.Fill(p.Rules.Number, i18n.Args{"portal": strings.ToUpper(p.Name), "year": fmt.Sprint(year), "seq": fmt.Sprintf("%06d", last)}), nil
}

// Happening is an entry of a case's timeline.
type Happening struct {
	At     time.Time
	Kind   string // words: case.event.KIND
	Actor  actor.Kind
	Person actor.PersonID
	Words  string
	Inside bool // for officers only
}

func happen(ctx context.Context, tx *db.Tx, c *Case, by actor.Actor, kind, words string, inside bool) error {
	_, err := tx.Exec(ctx, `INSERT INTO case_event (id, case_id, seq, at, kind, actor, person, words, inside)
		SELECT $1, $2, COALESCE(MAX(seq), 0) + 1, $3, $4, $5, $6, $7, $8 FROM case_event WHERE case_id = $2`,
		db.NewID(), string(c.ID), tx.Stamp(), kind, string(by.Kind), string(by.Person), words, inside)
	if err != nil {
		return fmt.Errorf("timeline of case %s: %w", c.ID, err)
	}
	return nil
}

func timeline(ctx context.Context, tx *db.Tx, id ID, inside bool) ([]Happening, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (Happening, error) {
		var h Happening
		err := scan(db.Times(&h.At), &h.Kind, &h.Actor, &h.Person, &h.Words, &h.Inside)
		return h, err
	}, `SELECT at, kind, actor, person, words, inside FROM case_event WHERE case_id = $1 AND (inside = $2 OR inside = $3) ORDER BY seq`, string(id), false, inside)
}

// Request is an element that the applicant was asked for.
type Request struct {
	Field    string
	Reason   string
	AskedAt  time.Time
	Answered time.Time
}

func requests(ctx context.Context, tx *db.Tx, id ID) ([]Request, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (Request, error) {
		var r Request
		err := scan(&r.Field, &r.Reason, db.Times(&r.AskedAt), db.Times(&r.Answered))
		return r, err
	}, `SELECT field, reason, asked_at, answered_at FROM case_request WHERE case_id = $1 ORDER BY asked_at, id`, string(id))
}

func insertRequest(ctx context.Context, tx *db.Tx, c *Case, r Request) error {
	_, err := tx.Exec(ctx, `INSERT INTO case_request (id, case_id, field, reason, asked_at, answered_at) VALUES ($1, $2, $3, $4, $5, '')`,
		db.NewID(), string(c.ID), r.Field, r.Reason, tx.Stamp())
	return err
}

func answerRequests(ctx context.Context, tx *db.Tx, c *Case) error {
	_, err := tx.Exec(ctx, `UPDATE case_request SET answered_at = $2 WHERE case_id = $1 AND answered_at = ''`, string(c.ID), tx.Stamp())
	return err
}

// index keeps the terms by which officers find the case.
func index(ctx context.Context, tx *db.Tx, c *Case) error {
	if _, err := tx.Exec(ctx, `DELETE FROM case_term WHERE case_id = $1`, string(c.ID)); err != nil {
		return err
	}
	words := terms(strings.Join([]string{c.Number, c.Applicant, c.BodyName, c.BodyNIPC, c.Address}, " "))
	for _, term := range words {
		_, err := tx.Exec(ctx, `INSERT INTO case_term (portal, term, case_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, c.Portal.Name, term, string(c.ID))
		if err != nil {
			return fmt.Errorf("index case %s: %w", c.ID, err)
		}
	}
	return nil
}

// terms splits a text in words as search compares them, with the whole of compound ones too (2026/000001, a@b.pt).
func terms(text string) []string {
	var all []string
	for whole := range strings.FieldsSeq(field.Fold(text)) {
		all = append(all, whole)
		all = append(all, parts(whole)...)
	}
	all = slices.DeleteFunc(all, func(w string) bool { return w == "" || len(w) > 200 })
	slices.Sort(all)
	return slices.Compact(all)
}

// parts are the letters and digits of a compound word, without what joins them.
func parts(word string) []string {
	return strings.FieldsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// Filter says which cases of the queue are wanted.
type Filter struct {
	States []State
	Search string         // words of name, body, number, address
	Mine   actor.PersonID // taken or directed by
	After  string         // id of the last one seen, for the next page
	Limit  int
}

// Row is a line of the queue.
type Row struct {
	ID                       ID
	Number, Procedure        string
	State                    State
	Applicant, BodyName      string
	TakenBy                  actor.PersonID
	LeftOut                  []string // see Case
	FiledAt, DueAt, PausedAt time.Time
	AnswerBy                 time.Time // end of the applicant's term to bring elements or be heard
}

func queue(ctx context.Context, tx *db.Tx, portalName string, f Filter) ([]Row, error) {
	var where strings.Builder
	args := []any{portalName}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	where.WriteString(`portal = $1`)
	if len(f.States) > 0 {
		marks := make([]string, len(f.States))
		for i, s := range f.States {
			marks[i] = arg(string(s))
		}
		where.WriteString(` AND state IN (` + strings.Join(marks, ", ") + `)`)
	}
	words, some := searched(f.Search)
	if f.Search != "" && !some {
		return nil, nil
	}
	for _, term := range words {
		where.WriteString(` AND id IN (SELECT case_id FROM case_term WHERE portal = $1 AND term LIKE ` + arg(likePrefix(term)) + ` ESCAPE '!')`)
	}
	if f.Mine != "" {
		mine := arg(string(f.Mine))
		where.WriteString(` AND (taken_by = ` + mine + ` OR director = ` + mine + `)`)
	}
	if idForm.MatchString(f.After) {
		where.WriteString(` AND (due_at, id) > (SELECT due_at, id FROM casefile WHERE portal = $1 AND id = ` + arg(f.After) + `)`)
	}
	return db.Collect(ctx, tx, func(scan func(...any) error) (Row, error) {
		var r Row
		var leftOut string
		err := scan(&r.ID, &r.Number, &r.Procedure, &r.State, &r.Applicant, &r.BodyName, &r.TakenBy, &leftOut, db.Times(&r.FiledAt), db.Times(&r.DueAt), db.Times(&r.PausedAt), db.Times(&r.AnswerBy))
		r.LeftOut = strings.Fields(leftOut)
		return r, err
	}, `SELECT id, number, procedure_key, state, applicant, body_name, taken_by, left_out, filed_at, due_at, paused_at, answer_by FROM casefile WHERE `+where.String()+` ORDER BY due_at, id LIMIT `+arg(f.Limit), args...)
}

// counted counts the open cases by state, and those that a person has taken or directs.
func counted(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID) (Counts, error) {
	type count struct {
		state   State
		n, mine int64
	}
	all, err := db.Collect(ctx, tx, func(scan func(...any) error) (c count, err error) {
		return c, scan(&c.state, &c.n, &c.mine)
	}, `SELECT state, count(*), COALESCE(sum(CASE WHEN taken_by = $2 OR director = $2 THEN 1 ELSE 0 END), 0) FROM casefile
		WHERE portal = $1 AND state IN ('proven', 'in-review', 'waiting', 'refusal-intended', 'heard') GROUP BY state`, portalName, string(person))
	counts := Counts{States: map[State]int{}}
	for _, c := range all {
		counts.States[c.state] = int(c.n)
		counts.Mine += int(c.mine)
	}
	return counts, err
}

// likePrefix makes a pattern of what words begin with; what was typed has no say in the pattern.
func likePrefix(word string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(word) + "%"
}

// searched bounds what is searched for: at most six words. A number may be typed with spaces, and any part of a
// compound word finds it; what has neither letter nor digit finds nothing.
func searched(text string) (words []string, some bool) {
	folded := field.Fold(strings.ToValidUTF8(text, " "))
	if together := strings.Join(strings.Fields(folded), ""); len(together) == 9 && strings.Trim(together, "0123456789") == "" {
		return []string{together}, true // a NIPC
	}
	words = parts(folded)
	if len(words) > 6 {
		words = words[:6]
	}
	words = slices.DeleteFunc(words, func(w string) bool { return len(w) > 100 })
	return words, len(words) > 0
}

// of lists cases that a condition of this file's own names, newest first.
func (s *Service) of(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*Case, error) {
	ids, err := db.Collect(ctx, tx, func(scan func(...any) error) (ID, error) {
		var id ID
		return id, scan(&id)
	}, `SELECT id FROM casefile WHERE `+where+` ORDER BY created_at DESC, id LIMIT 200`, args...)
	if err != nil {
		return nil, err
	}
	cases := make([]*Case, 0, len(ids))
	for _, id := range ids {
		c, err := s.find(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

const (
	eraseTerms  = `DELETE FROM case_term WHERE case_id = $1`
	eraseEvents = `DELETE FROM case_event WHERE case_id = $1`
	eraseCase   = `DELETE FROM casefile WHERE id = $1`
)

// directed counts the open cases that a person directs.
func directed(ctx context.Context, tx *db.Tx, portalName string, person actor.PersonID) (n int64, err error) {
	err = tx.Row(ctx, `SELECT count(*) FROM casefile WHERE portal = $1 AND director = $2 AND state IN ('proven', 'in-review', 'waiting', 'refusal-intended', 'heard')`,
		portalName, string(person)).Scan(&n)
	return n, err
}

// duplicates gives the numbers of other live cases of the same procedure, for the same body or address.
func duplicates(ctx context.Context, tx *db.Tx, c *Case) ([]string, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (string, error) {
		var number string
		return number, scan(&number)
	}, `SELECT number FROM casefile WHERE portal = $1 AND procedure_key = $2 AND id <> $3 AND state NOT IN ('draft', 'refused', 'withdrawn', 'deserted', 'lapsed')
		AND ((body_number = $4 AND body_number <> '' AND one_per = $6) OR (address_key = $5 AND address_key <> '' AND person = '')) ORDER BY number LIMIT 5`,
		c.Portal.Name, c.Procedure.Key, string(c.ID), c.BodyNIPC, c.addressKey, c.onePer)
}

// decidedSince gives begin and end of the reviews that ended since a moment.
func decidedSince(ctx context.Context, tx *db.Tx, portalName, procedure string, since time.Time) ([][2]time.Time, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (span [2]time.Time, err error) {
		return span, scan(db.Times(&span[0]), db.Times(&span[1]))
	}, `SELECT proven_at, decided_at FROM casefile WHERE portal = $1 AND procedure_key = $2 AND state IN ('approved', 'refused') AND decided_at >= $3 ORDER BY decided_at DESC LIMIT 1000`,
		portalName, procedure, db.Time(since))
}

// overdue lists cases in a state that nobody has changed since a moment, and that had a number of reminders between
// those given, the first included.
func overdue(ctx context.Context, tx *db.Tx, state State, before time.Time, least, most int64) ([]ID, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (ID, error) {
		var id ID
		return id, scan(&id)
	}, `SELECT id FROM casefile WHERE state = $1 AND changed_at <= $2 AND reminded >= $3 AND reminded < $4 ORDER BY changed_at, id LIMIT 200`, string(state), db.Time(before), least, most)
}

// remind counts a reminder. Its age goes on from changed, which is when it was changed unless a warning came late.
func remind(ctx context.Context, tx *db.Tx, c *Case, reminded int64, changed time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE casefile SET reminded = $3, changed_at = $4, version = version + 1 WHERE id = $1 AND version = $2`, string(c.ID), c.Version, reminded, db.Time(changed))
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "case.changed-meanwhile")
	}
	return err
}

// touch notes that somebody works on a draft, without a change that another tab of theirs would stumble over.
func touch(ctx context.Context, tx *db.Tx, id ID) error {
	_, err := tx.Exec(ctx, `UPDATE casefile SET changed_at = $2, reminded = 0 WHERE id = $1 AND state = 'draft'`, string(id), tx.Stamp())
	return err
}

// reviewers lists who took a case for review.
func reviewers(ctx context.Context, tx *db.Tx, id ID) ([]actor.PersonID, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (actor.PersonID, error) {
		var person actor.PersonID
		return person, scan(&person)
	}, `SELECT person FROM case_event WHERE case_id = $1 AND kind = 'taken'`, string(id))
}

// stoodAside lists who declared themselves impeded in a case.
func stoodAside(ctx context.Context, tx *db.Tx, id ID) ([]actor.PersonID, error) {
	return db.Collect(ctx, tx, func(scan func(...any) error) (actor.PersonID, error) {
		var person actor.PersonID
		return person, scan(&person)
	}, `SELECT person FROM case_event WHERE case_id = $1 AND kind = 'stood-aside'`, string(id))
}
