package ui

import (
	"context"
	"strconv"
)

// or is the first of two texts that says anything.
func or(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}

func windowTitle(ctx context.Context, f Frame) string {
	title := f.Title
	if f.Brand.Name != "" && f.Brand.Name != f.Title {
		title += " – " + f.Brand.Name
	}
	if f.Failed {
		title = Say(ctx, "ui.title.failed") + " " + title
	}
	return title
}

func (s SignIn) user(ctx context.Context) Input {
	in := s.User
	in.Label = or(in.Label, Say(ctx, "ui.sign-in.user"))
	in.Hint = or(in.Hint, Say(ctx, "ui.sign-in.user.hint"))
	in.Kind = Email
	in.Autocomplete = or(in.Autocomplete, "username")
	return in
}

func (s SignIn) password(ctx context.Context) Password {
	in := s.Password
	in.Label = or(in.Label, Say(ctx, "ui.sign-in.password"))
	in.Hint = or(in.Hint, Say(ctx, "ui.sign-in.password.hint"))
	return in
}

func (s SignIn) newAccess(ctx context.Context) Link {
	l := s.New
	l.Text = or(l.Text, Say(ctx, "ui.sign-in.new"))
	return l
}

func (s SignIn) recovery(ctx context.Context) Link {
	l := s.Recover
	l.Text = or(l.Text, Say(ctx, "ui.sign-in.recover"))
	return l
}

// summaryTitle counts the fields to correct; a problem of the form as a whole is not one.
func summaryTitle(ctx context.Context, problems []Problem) string {
	fields := map[string]bool{}
	for _, p := range problems {
		if p.Field != "" {
			fields[p.Field] = true
		}
	}
	switch len(fields) {
	case 0:
		return Say(ctx, "ui.problems.none")
	case 1:
		return Say(ctx, "ui.problems.one")
	default:
		return Say(ctx, "ui.problems.many", "n", strconv.Itoa(len(fields)))
	}
}

// removal is the button that takes a file out of the draft.
func (u Uploaded) removal(ctx context.Context) Button {
	b := u.Remove
	b.Text = or(b.Text, Say(ctx, "ui.files.remove"))
	b.Hidden = or(b.Hidden, " "+u.Name)
	if b.Look == "" {
		b.Look = Quiet
	}
	return b
}
