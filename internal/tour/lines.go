package tour

import (
	"fmt"
	"io"
	"strings"
	"time"

	"chancela/internal/i18n"
)

// lines prints what happens: a line a step, with its time.
type lines struct {
	out   io.Writer
	lang  i18n.Lang
	steps int
}

func newLines(out io.Writer, lang i18n.Lang) *lines { return &lines{out: out, lang: lang} }

func (l *lines) part(name string) { l.print("\n%s\n", strings.ToUpper(name)) }

// print writes a line; where nobody reads any more there is nobody to tell.
func (l *lines) print(format string, args ...any) { _, _ = fmt.Fprintf(l.out, format, args...) }

func (l *lines) step(says i18n.Text, do func() error) error {
	begin := time.Now()
	err := do()
	l.steps++
	mark := "✓"
	if err != nil {
		mark = "✗"
	}
	l.print("%s %2d. [%s] %s\n", mark, l.steps, l.seconds(time.Since(begin)), says.In(l.lang))
	return err
}

func (l *lines) end(took time.Duration) {
	l.print("\n"+l.say("Os %d passos cumpriram-se em %s.", "All %d steps held, in %s.")+"\n", l.steps, strings.TrimSpace(l.seconds(took)))
}

func (l *lines) kept(dir string) {
	l.print(l.say("Os dados e o que foi emitido estão em %s", "Data and what was issued are in %s")+"\n", dir)
}

func (l *lines) say(pt, en string) string {
	if l.lang == i18n.EN {
		return en
	}
	return pt
}

func (l *lines) seconds(d time.Duration) string {
	text := fmt.Sprintf("%5.2f s", d.Seconds())
	if l.lang != i18n.EN {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}
