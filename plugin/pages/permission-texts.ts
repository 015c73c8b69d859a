/** What a permission or a standard scope is called, and what it lets an application do. */
export interface PermissionText {
    /** A short phrase that starts with a verb, such as “Write posts”. */
    name: string;
    /** One sentence that explains it to a member. */
    sentence: string;
}

const entry = (name: string, sentence: string): PermissionText => ({ name, sentence });

/** The texts of the standard scopes and of `FORUM_PERMISSIONS`. */
export const PERMISSION_TEXTS: Record<string, PermissionText> = {
    openid: entry('Know who you are', 'Recognize your account when you return.'),
    profile: entry('See your name', 'Read your name and handle.'),
    email: entry('See your email address', 'Read your email address and whether it’s verified.'),
    offline_access: entry('Stay connected', 'Keep its access while you’re away, until you disconnect it.'),

    CREATE_POST: entry('Write posts', 'Start threads and post replies as you.'),
    READ_PUBLISHED_THREADS: entry('Read threads', 'Read the threads that you have access to.'),
    CREATE_REACTION: entry('React to posts', 'Add reactions to posts as you.'),
    MANAGE_POSTS: entry('Manage posts', 'Edit, move, and delete anyone’s posts.'),
    MANAGE_CATEGORIES: entry('Manage categories', 'Create, rename, reorder, and delete categories.'),
    CREATE_INVITATION: entry('Invite people', 'Create forum invitations as you.'),
    READ_PUBLISHED_LIBRARY: entry('Read the library', 'Read published library pages.'),
    MANAGE_LIBRARY: entry('Manage the library', 'Create, edit, publish, and delete library pages.'),
    SUBMIT_LIBRARY_NODE: entry('Suggest library pages', 'Submit new library pages for review.'),
    SUBMIT_LIBRARY_NODE_CHANGES: entry('Suggest library changes', 'Submit changes to library pages for review.'),
    UPLOAD_ASSET: entry('Upload files', 'Upload images and other files as you.'),
    MANAGE_EVENTS: entry('Manage events', 'Create, edit, and cancel events.'),
    LIST_PROFILES: entry('List members', 'See the list of forum members.'),
    READ_PROFILE: entry('Read profiles', 'Read members’ profiles.'),
    CREATE_COLLECTION: entry('Create collections', 'Create collections as you.'),
    LIST_COLLECTIONS: entry('List collections', 'See the list of collections.'),
    READ_COLLECTION: entry('Read collections', 'See what’s in collections.'),
    MANAGE_COLLECTIONS: entry('Manage collections', 'Edit and delete anyone’s collections.'),
    COLLECTION_SUBMIT: entry('Add to collections', 'Submit posts and pages to collections.'),
    USE_PERSONAL_ACCESS_KEYS: entry('Use access keys', 'Create and use personal access keys for your account.'),
    USE_OAUTH_CLIENTS: entry('Authorize applications', 'Give other applications access to your account.'),
    MANAGE_SETTINGS: entry('Manage settings', 'Change forum settings.'),
    MANAGE_ACCOUNTS: entry('Manage accounts', 'Change other members’ accounts.'),
    MANAGE_WARNINGS: entry('Manage warnings', 'Give members warnings and withdraw them.'),
    MANAGE_SUSPENSIONS: entry('Manage suspensions', 'Suspend and reinstate members.'),
    MANAGE_ROLES: entry('Manage roles', 'Change roles and their permissions.'),
    MANAGE_REPORTS: entry('Manage reports', 'Read and resolve reports from members.'),
    VIEW_ACCOUNTS: entry('View accounts', 'See private details of other members’ accounts.'),
    VIEW_MODERATION_NOTES: entry('Read moderation notes', 'Read moderators’ notes about members.'),
    MANAGE_MODERATION_NOTES: entry('Manage moderation notes', 'Write and delete notes about members.'),
    USE_ROBOTS: entry('Use robots', 'Run the forum’s robots as you.'),
    MANAGE_ROBOTS: entry('Manage robots', 'Create, edit, and delete the forum’s robots.'),
    MANAGE_TRAILS: entry('Manage trails', 'Create, edit, and delete trails.'),
    ADMINISTRATOR: entry('Administer the forum', 'Do anything on the forum, without exception.')
};

/** A name for a permission that has no text: `BAKE_CAKES` becomes “Bake cakes”. */
export function nameInWords(name: string): string {
    const words = name.toLowerCase().replaceAll(/[_:.-]+/g, ' ');
    return words.charAt(0).toUpperCase() + words.slice(1);
}
