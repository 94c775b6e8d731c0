package instance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Account is somebody who was let in. All are invented.
type Account struct {
	Address  string
	Password string // "" until one is defined
	Body     string // number of the body that they act for
}

const (
	firstAddress = "tecnica@exemplo.pt" // of the first officer of an instance for evaluation
	password     = "uma frase longa e inventada de medir, 2026"
)

var accessForms = regexp.MustCompile(`href="(/[^"/]+/novo/[^"?]+)"`)

// findAccess finds on the portal's first page the form by which one asks for access: the first that it leads to.
func (in *Instance) findAccess(ctx context.Context) (string, error) {
	home, err := in.Visitor().Get(ctx, in.At("/"))
	if err != nil {
		return "", err
	}
	if found := accessForms.FindStringSubmatch(home.Body); found != nil {
		return found[1], nil
	}
	return "", errors.New("the first page leads to no form")
}

func (in *Instance) officerIn(ctx context.Context) error {
	in.officer = in.Visitor()
	if _, err := in.officer.Send(ctx, in.first, in.first, Answers{"password": password}); err != nil {
		return fmt.Errorf("the first officer: %w", err)
	}
	return in.enter(ctx, in.officer, firstAddress)
}

// Officer is the browser of an officer who is signed in.
func (in *Instance) Officer() *Visitor { return in.officer }

// Nobody makes up an address that nobody has here, as long as those of accounts.
func Nobody(i int) string { return fmt.Sprintf("outrem.exemplo%04d@exemplo.pt", i) }

// Body makes up the number of a body that was not used yet.
func (in *Instance) Body() string {
	for {
		in.bodies++
		eight := fmt.Sprintf("59%06d", 9000+in.bodies)
		sum := 0
		for i, digit := range eight {
			sum += (9 - i) * int(digit-'0')
		}
		if check := 11 - sum%11; check < 10 {
			return eight + strconv.Itoa(check)
		}
	}
}

// Asks are the answers of somebody who asks for access.
func (in *Instance) Asks(address, body string) Answers {
	return Answers{
		"organization": "Cooperativa Exemplo de Medir, CRL", "numeric": body, "name": "Pessoa Exemplo de Medir", "tel": "212 345 678", "email": address,
	}
}

// Admit has people ask for access, prove their address and be approved. They are invited then, and have no password.
func (in *Instance) Admit(ctx context.Context, n int) ([]Account, error) {
	all, filed := make([]Account, n), make([]string, n)
	for i := range all {
		all[i] = Account{Address: fmt.Sprintf("pessoa.exemplo%04d@exemplo.pt", i), Body: in.Body()}
		receipt, err := in.Visitor().Send(ctx, in.access, in.access, in.Asks(all[i].Address, all[i].Body))
		if err != nil {
			return nil, err
		}
		_, rest, _ := strings.Cut(receipt.Location, "/processos/")
		filed[i], _, _ = strings.Cut(rest, "/")
	}
	for i, one := range all {
		proof, err := in.mail.link(one.Address, "/confirmar/")
		if err != nil {
			return nil, err
		}
		if _, err := in.Visitor().Send(ctx, proof, proof, nil); err != nil {
			return nil, err
		}
		if err := in.approve(ctx, filed[i]); err != nil {
			return nil, err
		}
	}
	return all, in.mail.settle()
}

func (in *Instance) approve(ctx context.Context, id string) error {
	at := in.At("/tecnico/processos/" + id)
	for _, move := range []string{"/assumir", "/deferir"} {
		if _, err := in.officer.Send(ctx, at, move, nil); err != nil {
			return err
		}
	}
	return nil
}

// Define has people define their passwords by the newest link that was mailed to them.
func (in *Instance) Define(ctx context.Context, all []Account) error {
	if err := in.mail.settle(); err != nil {
		return err
	}
	for i := range all {
		link, err := in.mail.link(all[i].Address, "/definir/")
		if err != nil {
			return err
		}
		if _, err := in.Visitor().Send(ctx, link, link, Answers{"password": password}); err != nil {
			return fmt.Errorf("define a password: %w", err)
		}
		all[i].Password = password
	}
	return nil
}

// Activate has people come in for the first time.
func (in *Instance) Activate(ctx context.Context, all []Account) error {
	for _, one := range all {
		if err := in.enter(ctx, in.Visitor(), one.Address); err != nil {
			return err
		}
	}
	return nil
}

// Mailed waits until no more mail comes, and says how many mails the instance has sent so far.
func (in *Instance) Mailed() (int, error) {
	err := in.mail.settle()
	return len(in.mail.read), err
}

// SignIn is the form of somebody who comes in.
func SignIn(user, password string) url.Values {
	return url.Values{"utilizador": {user}, "palavra-chave": {password}}
}

// enter comes in by password and mailed code.
func (in *Instance) enter(ctx context.Context, v *Visitor, address string) error {
	sent, err := v.Post(ctx, in.At("/entrar"), SignIn(address, password))
	if err != nil {
		return err
	}
	if sent.Status != http.StatusSeeOther {
		return fmt.Errorf("the password is refused: status %d", sent.Status)
	}
	code, err := in.mail.code(address)
	if err != nil {
		return err
	}
	_, err = v.Send(ctx, sent.Location, "/entrar/codigo", Answers{"one-time-code": code, "numeric": code})
	return err
}
