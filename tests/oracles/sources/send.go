// Sends a mail with Go's own resolver and net/smtp: send RECIPIENT may|verify
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"strings"
)

const letter = "From: bob@app.example\r\nSubject: hi\r\n\r\nhello\r\n"

func send(recipient string, verify bool) error {
	_, domain, _ := strings.Cut(recipient, "@")
	found, err := net.LookupMX(domain) // in order of their preference
	if err != nil {
		return err
	}
	host := strings.TrimSuffix(found[0].Host, ".")
	client, err := smtp.Dial(host + ":25")
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Hello("app.sender.example"); err != nil {
		return err
	}
	if verify {
		if err := client.StartTLS(&tls.Config{ServerName: host}); err != nil {
			return err
		}
	}
	if err := client.Mail("bob@app.example"); err != nil {
		return err
	}
	if err := client.Rcpt(recipient); err != nil {
		return err
	}
	content, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := content.Write([]byte(letter)); err != nil {
		return err
	}
	if err := content.Close(); err != nil {
		return err
	}
	return client.Quit()
}

func main() {
	if err := send(os.Args[1], os.Args[2] == "verify"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
