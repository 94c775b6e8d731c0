package ui_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"chancela/internal/i18n"
	"chancela/internal/web/ui"
)

const hostile = `"'><script>alert(1)</script><b onmouseover=alert(1)>`

// fill puts the hostile text in every string of a struct, and an address that runs in every Href.
func fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.String:
		switch {
		case regexp.MustCompile(`^(Href|Action|Home|Logo|Open|Download|SignOut|Extend|Autosave)$`).MatchString(name):
			v.SetString("javascript:alert(1)//" + hostile)
		case v.Type() == reflect.TypeFor[string]():
			v.SetString(hostile)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), v.Type().Field(i).Name)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Interface:
		v.Set(reflect.ValueOf(ui.Words(hostile)))
	case reflect.Bool:
		v.SetBool(true)
	}
}

func hostileOf[T any]() T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), "")
	return v
}

func TestNoComponentLetsTextBecomeMarkup(t *testing.T) {
	f := hostileOf[ui.Frame]()
	f.Session.Left = time.Minute
	pages := hostileOf[ui.Pages]()
	pages.Current, pages.Last, pages.Href = 1, 2, func(int) string { return "javascript:alert(1)" }
	all := []templ.Component{
		ui.HomePage(f, hostileOf[ui.Home]()),
		with(ui.Page(f),
			with(ui.Fields(hostileOf[ui.Form]()),
				ui.ErrorSummary(hostileOf[[]ui.Problem]()), with(ui.Fieldset(hostile, hostile)),
				ui.TextInput(hostileOf[ui.Input]()), ui.TextArea(hostileOf[ui.Area]()), ui.PasswordInput(hostileOf[ui.Password]()),
				ui.Select(hostileOf[ui.Choice]()), ui.Radios(hostileOf[ui.Choice]()), ui.Checkboxes(hostileOf[ui.Choice]()),
				ui.Checkbox(hostileOf[ui.Check]()), ui.FileInput(hostileOf[ui.Upload]()), ui.Submit(hostileOf[ui.Button]()), ui.ButtonLink(hostileOf[ui.Link](), ui.Plain)),
			ui.SearchBox(hostileOf[ui.Search]()), ui.NoticeOf(hostileOf[ui.Notice]()), ui.ReceiptOf(hostileOf[ui.Receipt]()),
			ui.TableOf(hostileOf[ui.Table]()), ui.Timeline(hostile, hostileOf[[]ui.Mark]()), ui.Stepper(hostileOf[[]ui.Step]()),
			ui.StepList([]string{hostile}), ui.EvidenceOf(hostileOf[ui.Evidence]()), with(ui.Details(hostile)), ui.Accordion(hostileOf[[]ui.Question]()),
			ui.PageNumbers(pages), ui.Tabs(hostile, hostileOf[[]ui.Tab]()), ui.Cards(hostileOf[[]ui.Card]()), with(ui.Section(hostile)), with(ui.Panel(hostile)),
			ui.Checklist(hostile, []string{hostile}), ui.Beside(hostile, ui.Words(hostile)), ui.EmptyOf(hostileOf[ui.Empty]()), ui.CodeOf(hostileOf[ui.CodeBlock]()), ui.Fingerprint(hostile, hostile)),
	}
	aside := regexp.MustCompile(`^(id|nothing has|the control|h\d after) `) // the same text in every name makes these
	for _, c := range all {
		html, err := ui.Render(t.Context(), i18n.PT, c)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(html), "&lt;script&gt;") {
			t.Error("the hostile text is not on the page: the test tests nothing")
		}
		for _, m := range mistakes(string(html)) {
			if !aside.MatchString(m) {
				t.Error(m)
			}
		}
	}
}

var exported = regexp.MustCompile(`(?m)^templ ([A-Z]\w*)\(`)

func TestTheGalleryShowsEveryComponent(t *testing.T) {
	gallery, err := os.ReadFile("gallery_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"layout.templ", "form.templ", "show.templ", "icons.templ"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range exported.FindAllStringSubmatch(string(source), -1) {
			if !strings.Contains(string(gallery), "ui."+m[1]+"(") {
				t.Errorf("%s: %s is not in the gallery", file, m[1])
			}
		}
	}
}
