// The sign-in page: sends the form as JSON, then goes where the server said that it may.

const form = document.getElementById('sign-in');
const message = document.getElementById('message');

form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const response = await fetch('/api/auth/password/signin', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(Object.fromEntries(new FormData(form)))
    });
    if (response.ok) {
        location.assign(form.dataset.returnTo);
    } else {
        message.textContent = (await response.json()).message;
    }
});
