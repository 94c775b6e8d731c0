package portal

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Set is the portals of an instance, by name.
type Set struct {
	Portals []*Portal
}

// Portal finds a portal by its name.
func (s *Set) Portal(name string) (*Portal, bool) {
	for _, p := range s.Portals {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}

// LoadAll loads every directory of each source; a later source replaces a portal of the same name.
func LoadAll(outcomes Outcomes, sources ...fs.FS) (*Set, error) {
	dirs := map[string]fs.FS{}
	for _, source := range sources {
		entries, err := fs.ReadDir(source, ".")
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if dirs[e.Name()], err = fs.Sub(source, e.Name()); err != nil {
				return nil, err
			}
		}
	}
	set := &Set{}
	var wrong Mistakes
	for _, name := range sorted(dirs) {
		p, err := Load(name, dirs[name], outcomes)
		if mistakes, ok := errors.AsType[Mistakes](err); ok {
			wrong = append(wrong, mistakes...)
			continue
		} else if err != nil {
			return nil, fmt.Errorf("portal %s: %w", name, err)
		}
		set.Portals = append(set.Portals, p)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return set, nil
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Load reads and checks one portal. Every mistake is told, as [Mistakes]; the files are named as within dir's parent.
func Load(name string, dir fs.FS, outcomes Outcomes) (*Portal, error) {
	l := loader{name: name, dir: dir, p: &Portal{Name: name, At: Pos{File: name + "/portal.yaml", Line: 1}}}
	l.all()
	if len(l.wrong) == 0 {
		l.wrong = append(l.wrong, check(l.p, outcomes, l.where)...)
	}
	if len(l.wrong) > 0 {
		return nil, l.wrong
	}
	return l.p, nil
}

// ParseProcedure reads a procedure as an earlier version of the definitions had it.
func ParseProcedure(portalName, version string, source []byte) (*Procedure, error) {
	proc := &Procedure{Portal: portalName, Version: version, Source: source}
	if wrong := Decode(portalName+"/procedures/"+version, source, proc); len(wrong) > 0 {
		return nil, wrong
	}
	proc.Decide.defaults()
	return proc, nil
}

type loader struct {
	name  string
	dir   fs.FS
	p     *Portal
	wrong Mistakes
	sum   []string
	trees map[string]*yaml.Node // of the files read, to find where a key stands
}

// where finds the line of a key within a file of this portal: that of the nearest one above it that is there.
func (l *loader) where(file string, path ...string) Pos {
	at := Pos{file, 1}
	node := l.trees[file]
	for _, name := range path {
		if node == nil || node.Kind != yaml.MappingNode {
			return at
		}
		var found *yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				at.Line, found = node.Content[i].Line, node.Content[i+1]
			}
		}
		node = found
	}
	return at
}

func (l *loader) all() {
	l.p.Rules.CaseMB = usualCaseMB
	l.p.Rules.Suspension = Suspension{Days: 30, WarnDays: 5, Then: ThenReinstate}
	l.yaml("portal.yaml", l.p, true)
	l.yaml("mails.yaml", &l.p.Mails, true)
	for _, file := range l.glob("procedures/*.yaml") {
		proc := &Procedure{Portal: l.name}
		l.yaml(file, proc, true)
		proc.Version = l.sum[len(l.sum)-1]
		proc.Decide.defaults()
		proc.Source, _ = fs.ReadFile(l.dir, file) // read a moment ago; a fault was told then
		l.p.Procedures = append(l.p.Procedures, proc)
	}
	l.p.Pages = l.pages("pages")
	l.p.Minutas = l.pages("minutas")
	l.register()
	for _, proc := range l.p.Procedures {
		l.p.Bind(proc)
	}
	tour := &Tour{}
	if l.yaml("tour.yaml", tour, false) {
		l.p.Tour = tour
	}
	sum := sha256.Sum256([]byte(strings.Join(l.sum, "\n")))
	l.p.Digest = hex.EncodeToString(sum[:])
}

func (l *loader) glob(pattern string) []string {
	names, err := fs.Glob(l.dir, pattern)
	if err != nil {
		l.wrong.add(Pos{l.name, 1}, "%v", err)
	}
	return names
}

func (l *loader) named(file string) string { return path.Join(l.name, file) }

// read reads a file and adds its digest to the portal's; false if it is not there.
func (l *loader) read(file string, must bool) ([]byte, bool) {
	data, err := fs.ReadFile(l.dir, file)
	if err != nil {
		if must || !errors.Is(err, fs.ErrNotExist) {
			l.wrong.add(Pos{l.named(file), 1}, "expected this file: %v", err)
		}
		l.sum = append(l.sum, "")
		return nil, false
	}
	sum := sha256.Sum256(data)
	l.sum = append(l.sum, hex.EncodeToString(sum[:]))
	return data, true
}

func (l *loader) yaml(file string, into any, must bool) bool {
	data, ok := l.read(file, must)
	if ok {
		tree, wrong := decode(l.named(file), data, into)
		l.wrong = append(l.wrong, wrong...)
		if l.trees == nil {
			l.trees = map[string]*yaml.Node{}
		}
		l.trees[l.named(file)] = tree
	}
	return ok
}

// pages reads the Markdown pages of a directory: SLUG.pt.md and SLUG.en.md.
func (l *loader) pages(dir string) []Page {
	var pages []Page
	for _, file := range l.glob(dir + "/*.pt.md") {
		slug := strings.TrimSuffix(path.Base(file), ".pt.md")
		english := dir + "/" + slug + ".en.md"
		pt, _ := l.read(file, true)
		en, _ := l.read(english, true)
		page := Page{Slug: slug, At: [2]Pos{{l.named(file), 1}, {l.named(english), 1}}}
		page.Title.PT, page.Body.PT = l.heading(page.At[0], pt)
		page.Title.EN, page.Body.EN = l.heading(page.At[1], en)
		pages = append(pages, page)
	}
	return pages
}

// heading takes the title, the first line, from a page's text.
func (l *loader) heading(at Pos, text []byte) (title, body string) {
	first, rest, _ := strings.Cut(string(text), "\n")
	title, ok := strings.CutPrefix(first, "# ")
	if !ok && len(text) > 0 {
		l.wrong.add(at, `expected the first line to be the page's title: "# …"`)
	}
	return strings.TrimSpace(title), rest
}

// register reads register.csv: nipc,name,acronym,kind,class,domains.
func (l *loader) register() {
	data, ok := l.read("register.csv", false)
	if !ok {
		return
	}
	file := l.named("register.csv")
	bodies, wrong := ReadRegister(file, data)
	l.p.Register, l.wrong = bodies, append(l.wrong, wrong...)
}

// Classes of bodies in a register: whether their people may be granted access.
const (
	Eligible    = "eligible"
	Conditional = "conditional"
	NotEligible = "not"
)

// ReadRegister reads a register of bodies from CSV, with the header nipc,name,acronym,kind,class,domains; the
// domains of a body are separated by spaces.
func ReadRegister(file string, data []byte) ([]Registered, Mistakes) {
	var wrong Mistakes
	rows := csv.NewReader(strings.NewReader(string(data)))
	rows.FieldsPerRecord = 6
	all, err := rows.ReadAll()
	if err != nil {
		line := 1
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			line = parse.Line
		}
		wrong.add(Pos{file, line}, "not readable as CSV with six columns: %v", err)
		return nil, wrong
	}
	if len(all) == 0 || strings.Join(all[0], ",") != "nipc,name,acronym,kind,class,domains" {
		wrong.add(Pos{file, 1}, "expected the header nipc,name,acronym,kind,class,domains")
		return nil, wrong
	}
	var bodies []Registered
	seen := map[string]bool{}
	for i, row := range all[1:] {
		body := Registered{NIPC: row[0], Name: row[1], Acronym: row[2], Kind: row[3], Class: row[4], Domains: strings.Fields(row[5])}
		if what := body.mistake(seen); what != "" {
			wrong.add(Pos{file, i + 2}, "%s", what)
			continue
		}
		seen[body.NIPC] = true
		bodies = append(bodies, body)
	}
	return bodies, wrong
}
