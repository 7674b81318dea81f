run ->(env) { [200, { 'content-type' => 'text/plain' }, ["worker #{ENV['NODE_APP_INSTANCE']}"]] }
