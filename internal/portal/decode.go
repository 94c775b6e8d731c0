package portal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"chancela/internal/nearest"
)

// Pos is where in the definition files something stands.
type Pos struct {
	File string
	Line int
}

// String gives file:line, as editors jump to it.
func (p Pos) String() string { return p.File + ":" + strconv.Itoa(p.Line) }

// Mistake is one thing wrong with a definition: where, what, and what was expected.
type Mistake struct {
	Pos
	What string
}

// Error gives the mistake on one line.
func (m Mistake) Error() string { return m.String() + ": " + m.What }

// Mistakes are all mistakes of a definition, so that its author mends them in one go.
type Mistakes []Mistake

// Error gives a line a mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

func (m *Mistakes) add(at Pos, format string, args ...any) {
	*m = append(*m, Mistake{Pos: at, What: fmt.Sprintf(format, args...)})
}

// mostBytes bounds one definition file; the largest of ours has 90 KB.
const mostBytes = 1 << 20

// Decode reads a YAML document into a struct, strictly: a key that the struct does not know is a mistake that
// names its nearest neighbour, and a value of the wrong shape says what was expected. A field of type Pos named
// At receives the place where its struct stands.
func Decode(file string, data []byte, into any) Mistakes {
	_, wrong := decode(file, data, into)
	return wrong
}

// decode also gives the document's tree; nil if it could not be read.
func decode(file string, data []byte, into any) (tree *yaml.Node, wrong Mistakes) {
	if len(data) > mostBytes {
		wrong.add(Pos{file, 1}, "larger than %d bytes", mostBytes)
		return nil, wrong
	}
	var doc yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(data))
	if err := documents.Decode(&doc); err != nil {
		wrong.add(Pos{file, lineOf(err)}, "not readable as YAML: %v", err)
		return nil, wrong
	}
	if err := documents.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		wrong.add(Pos{file, lineAfter(&doc)}, "expected one document; what follows --- would not be read")
		return nil, wrong
	}
	if len(doc.Content) != 1 {
		return nil, nil
	}
	d := decoder{file: file, wrong: &wrong}
	d.value(doc.Content[0], reflect.ValueOf(into).Elem())
	return doc.Content[0], wrong
}

// lineAfter is the line of the last thing in a tree.
func lineAfter(n *yaml.Node) int {
	line := n.Line
	for _, child := range n.Content {
		line = max(line, lineAfter(child))
	}
	return line
}

// lineOf finds the line that yaml names in its message.
func lineOf(err error) int {
	_, after, found := strings.Cut(err.Error(), "line ")
	if !found {
		return 1
	}
	digits := strings.TrimLeftFunc(after, func(r rune) bool { return r == ' ' })
	end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(digits)
	}
	n, _ := strconv.Atoi(digits[:end])
	return max(n, 1)
}

// Params are the parameters of an outcome: read later, by the room that knows them.
type Params struct {
	file string
	node *yaml.Node
}

// Into reads the parameters into a room's own struct, as strictly as the rest.
func (p Params) Into(into any) Mistakes {
	var wrong Mistakes
	if p.node == nil {
		return nil
	}
	d := decoder{file: p.file, wrong: &wrong}
	d.value(p.node, reflect.ValueOf(into).Elem())
	return wrong
}

// Pos says where the parameters stand.
func (p Params) Pos() Pos {
	if p.node == nil {
		return Pos{File: p.file, Line: 1}
	}
	return Pos{File: p.file, Line: p.node.Line}
}

type decoder struct {
	file  string
	wrong *Mistakes
}

func (d decoder) at(n *yaml.Node) Pos { return Pos{d.file, n.Line} }

var (
	posType    = reflect.TypeFor[Pos]()
	paramsType = reflect.TypeFor[Params]()
)

func (d decoder) value(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		d.wrong.add(d.at(n), "aliases are not read; write the value out")
		return
	}
	if v.Type() == paramsType {
		v.Set(reflect.ValueOf(Params{file: d.file, node: n}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Map:
		d.mapping(n, v)
	case reflect.Slice:
		d.list(n, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem())
	default:
		d.scalar(n, v)
	}
}

func (d decoder) structure(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.wrong.add(d.at(n), "expected keys and values: %s", strings.Join(keysOf(v.Type()), ", "))
		return
	}
	if at := v.FieldByName("At"); at.IsValid() && at.Type() == posType {
		at.Set(reflect.ValueOf(d.at(n)))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, known := fieldFor(v, key.Value)
		switch {
		case !known:
			d.unknown(key, keysOf(v.Type()))
		case seen[key.Value]:
			d.wrong.add(d.at(key), "%q stands twice", key.Value)
		default:
			d.value(value, field)
		}
		seen[key.Value] = true
	}
	if text, ok := v.Interface().(Text); ok && (text.PT == "" || text.EN == "") {
		d.wrong.add(d.at(n), "expected the text in both languages, pt and en")
	}
}

func (d decoder) unknown(key *yaml.Node, known []string) {
	hint := "expected one of: " + strings.Join(known, ", ")
	if near := nearest.Word(key.Value, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	d.wrong.add(d.at(key), "%q is not known here; %s", key.Value, hint)
}

func (d decoder) mapping(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.wrong.add(d.at(n), "expected keys and values")
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key())
		if v.MapIndex(key).IsValid() {
			d.wrong.add(d.at(n.Content[i]), "%q stands twice", n.Content[i].Value)
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], value)
		v.SetMapIndex(key, value)
	}
}

func (d decoder) list(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.ScalarNode && v.Type().Elem().Kind() == reflect.String && n.Tag != "!!null" {
		one := reflect.New(v.Type().Elem()).Elem()
		d.scalar(n, one)
		v.Set(reflect.Append(v, one))
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.wrong.add(d.at(n), "expected a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i))
	}
}

func (d decoder) scalar(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.wrong.add(d.at(n), "expected one value, not a list or a mapping")
		return
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Value)
	case reflect.Bool:
		switch n.Value {
		case "true", "yes":
			v.SetBool(true)
		case "false", "no":
		default:
			err = errors.New("expected true or false")
		}
	case reflect.Int, reflect.Int64:
		var number int64
		if number, err = strconv.ParseInt(n.Value, 10, 64); err != nil {
			err = fmt.Errorf("expected a whole number, not %q", n.Value)
		}
		v.SetInt(number)
	default:
		err = fmt.Errorf("a %s cannot be read", v.Kind())
	}
	if err != nil {
		d.wrong.add(d.at(n), "%v", err)
	}
}

func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func fieldFor(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if tag := yamlName(f); tag == name && tag != "" && tag != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if name := yamlName(t.Field(i)); name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}
