import { AxeBuilder } from '@axe-core/playwright';
import { expect } from '@hapi/code';
import {
    chromium,
    type Browser,
    type BrowserContext,
    type BrowserContextOptions,
    type Locator,
    type Page
} from 'playwright-core';

/** Starts the browser, with a profile of its own that is gone when it ends. */
export function launch(): Promise<Browser> {
    return chromium.launch({
        executablePath: process.env.TEST_CHROMIUM ?? '/usr/bin/chromium',
        args: [
            '--headless',
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync'
        ]
    });
}

interface Violation {
    id: string;
    nodes: { html: string }[];
}

const DARK = `axe.run({ runOnly: { type: 'rule', values: ['color-contrast'] } }).then(({ violations }) =>
    violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => ({ html })) })))`;

/** A window of someone's with nothing in it, which fails the test if a page's script fails or asks something. */
export class Window {
    readonly complaints: string[] = [];

    private constructor(
        readonly context: BrowserContext,
        readonly page: Page,
        private readonly runsScripts: boolean
    ) {
        page.setDefaultTimeout(15_000);
        page.on('pageerror', (error) => this.complaints.push(String(error)));
        page.on('dialog', (dialog) => {
            this.complaints.push(dialog.message());
            void dialog.dismiss();
        });
        page.on('console', (message) => {
            if (/Content Security Policy/.test(message.text())) {
                this.complaints.push(message.text());
            }
        });
    }

    static async open(browser: Browser, options: BrowserContextOptions = {}): Promise<Window> {
        const context = await browser.newContext({
            locale: 'en',
            viewport: { width: 900, height: 600 },
            ...options
        });
        return new Window(context, await context.newPage(), options.javaScriptEnabled ?? true);
    }

    async close(): Promise<void> {
        await this.context.close();
        expect(this.complaints).to.equal([]);
    }

    /** Fills the example forum's sign-in in, where the page is. */
    async signIn(handle: string): Promise<void> {
        await this.page.getByLabel('Handle').fill(handle);
        await this.page.getByLabel('Password').fill('password');
        await this.page.getByRole('button', { name: 'Sign in' }).click();
        await this.page.waitForURL((url) => url.pathname !== '/login');
    }

    async button(name: string | RegExp): Promise<void> {
        const button = this.page.getByRole('button', { name }).first();
        await this.arm(button, () => button.hover());
        await button.click();
    }

    /** Buttons that decide about a request act only after the page was in sight for a while and something was done on it. */
    private async arm(button: Locator, gesture: () => Promise<void>): Promise<void> {
        const buttons = button.locator('xpath=ancestor::*[@data-armed]');
        while (
            this.runsScripts &&
            (await buttons.count()) > 0 &&
            (await buttons.getAttribute('data-armed')) !== 'yes'
        ) {
            await this.page.mouse.move(0, 0);
            await gesture();
        }
    }

    heading(): Promise<string> {
        return this.page.getByRole('heading', { level: 1 }).innerText();
    }

    /** The text of the page, as it is seen. */
    text(): Promise<string> {
        return this.page.locator('main').innerText();
    }

    /** Presses Tab until the focus is where a selector says. */
    async tabTo(selector: string): Promise<void> {
        for (let pressed = 0; pressed < 120; ++pressed) {
            await this.page.keyboard.press('Tab');
            const found = this.page.locator(`${selector}:focus`);
            if ((await found.count()) > 0) {
                await this.arm(found, () => this.page.keyboard.press('Shift'));
                return;
            }
        }
        throw new Error(`Tab does not lead to ${selector} at ${this.page.url()}`);
    }

    /** What axe finds, in light and in dark. */
    async violations(): Promise<string[]> {
        const found: string[] = [];
        const note = (colorScheme: string, violations: Violation[]): void => {
            for (const { id, nodes } of violations) {
                found.push(`${this.page.url()} ${colorScheme} ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
            }
        };
        await this.page.emulateMedia({ colorScheme: 'light' });
        note('light', (await new AxeBuilder({ page: this.page }).setLegacyMode().analyze()).violations);
        // Nothing but colours differs in the dark, and axe is in the page already.
        await this.page.emulateMedia({ colorScheme: 'dark' });
        note('dark', await this.page.evaluate<Violation[]>(DARK));
        return found;
    }

    /** How much wider the page is than a small phone. */
    async overflow(): Promise<number> {
        await this.page.setViewportSize({ width: 320, height: 640 });
        return this.page.evaluate('document.documentElement.scrollWidth - 320');
    }
}
