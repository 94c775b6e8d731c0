package certificate

import (
	"context"
	"maps"

	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/i18n"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// tell writes to the holder about an event, in their language.
func (s *Service) tell(ctx context.Context, tx *db.Tx, r row, event portal.Event, values func(i18n.Lang) i18n.Args) error {
	return s.tellOf(ctx, tx, r, s.c.Page+"/"+string(r.ID), event, values)
}

// tellOf is tell with the page that the letter leads to.
func (s *Service) tellOf(ctx context.Context, tx *db.Tx, r row, page string, event portal.Event, values func(i18n.Lang) i18n.Args) error {
	p, ok := s.c.Portals.Portal(r.Portal)
	if !ok {
		return nil // the portal was taken away; nobody is left to speak for it
	}
	holder, err := s.c.Accounts.Find(ctx, tx, r.Account)
	if err != nil {
		return err
	}
	proc, _ := p.Procedure(r.Procedure)
	all := i18n.Args{"number": r.Number, "body": r.Body, "product": r.Product.In(holder.Lang), "year": tx.Now().In(i18n.Lisbon()).Format("2006")}
	if proc != nil {
		all["procedure"] = proc.Name.In(holder.Lang)
	}
	maps.Copy(all, values(holder.Lang))
	return s.c.Letters.Send(ctx, tx, letter.Letter{
		Portal: p, Procedure: proc, Event: event, To: holder.To(), About: r.ID.object(), Values: all, Page: page,
	})
}

// tellRevoked tells the holder why, and on whose asking.
func (s *Service) tellRevoked(ctx context.Context, tx *db.Tx, r row, c ca.Certificate, why func(i18n.Lang) string, requester string) error {
	return s.tell(ctx, tx, r, portal.CertificateRevoked, func(lang i18n.Lang) i18n.Args {
		return i18n.Args{"serial": shortSerial(c.Serial), "reason": why(lang), "requester": i18n.Say(lang, requester, nil)}
	})
}

// shortSerial is enough of a serial number for its holder to know it by.
func shortSerial(serial ca.Serial) string {
	whole := serial.String()
	if len(whole) <= 23 {
		return whole
	}
	return whole[:11] + "…" + whole[len(whole)-11:]
}
