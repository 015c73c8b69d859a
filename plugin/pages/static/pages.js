// Improvements for browsers with JavaScript. Every page works without them.

// Show times in the reader's time zone.
const times = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' });
for (const time of document.querySelectorAll('time[datetime]')) {
    time.title = time.textContent;
    time.textContent = times.format(new Date(time.dateTime));
}

// Format a user code as devices show it: XXXX-XXXX.
for (const input of document.querySelectorAll('[data-user-code]')) {
    input.addEventListener('input', () => {
        const atEnd = input.selectionStart === input.value.length;
        const code = input.value.toUpperCase().replace(/[^A-Z0-9]/g, '');
        if (atEnd && code.length <= 8) {
            input.value = code.length > 4 ? `${code.slice(0, 4)}-${code.slice(4)}` : code;
        }
    });
}

// Add a button that copies a value.
for (const box of document.querySelectorAll('.copy')) {
    const input = box.querySelector('input');
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = box.dataset.copyLabel;
    button.setAttribute('aria-describedby', input.id);
    button.addEventListener('click', async () => {
        input.select();
        try {
            await navigator.clipboard.writeText(input.value);
        } catch {
            // No permission, or not a secure context.
            document.execCommand('copy');
        }
        button.textContent = box.dataset.copiedLabel;
        setTimeout(() => (button.textContent = box.dataset.copyLabel), 3000);
    });
    box.append(button);
}

// Replace the URL of a page that shows a secret, so that reloading it does not send the form again.
const secret = document.querySelector('[data-address]');
if (secret) {
    history.replaceState(null, '', secret.dataset.address);
}

// Redirect to the application without a history entry, so that Back does not lead to a request that was answered.
const application = document.querySelector('[data-continue]');
if (application) {
    location.replace(application.href);
}

// Take a decision only from a person who sees this page: after it has had the focus for half a second, and the pointer, a
// finger or a key was used on it. Another page can put this one under the second click of a double click.
const SEEN = 500;
let focusedAt = document.hasFocus() ? performance.now() : Infinity;
const arm = (armed) => {
    for (const buttons of document.querySelectorAll('[data-armed]')) {
        buttons.dataset.armed = armed ? 'yes' : 'no';
    }
};
addEventListener('focus', () => (focusedAt = performance.now()));
addEventListener('blur', () => {
    focusedAt = Infinity;
    arm(false);
});
for (const gesture of ['pointermove', 'touchstart', 'wheel', 'keydown']) {
    addEventListener(
        gesture,
        () => {
            if (document.hasFocus() && performance.now() - focusedAt > SEEN) {
                arm(true);
            }
        },
        { capture: true, passive: true }
    );
}
for (const buttons of document.querySelectorAll('[data-armed]')) {
    buttons.addEventListener('click', (event) => {
        if (buttons.dataset.armed !== 'yes') {
            event.preventDefault();
        }
    });
}

// Send a form once, even on a double click, until the browser returns to the page.
for (const form of document.querySelectorAll('form[method="post"]')) {
    form.addEventListener('submit', (event) => {
        if (form.dataset.sent) {
            event.preventDefault();
        }
        form.dataset.sent = 'yes';
    });
}
addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('[data-sent]')) {
        delete form.dataset.sent;
    }
});

document.querySelector('.problem.summary a')?.focus();
